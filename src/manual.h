// Manual pages and completion, made from the options that a program understands, so that they cannot tell of others.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "CLI/CLI.hpp"

namespace viaduct::manual {

// For roff: no hyphen is broken, no line is a request.
inline std::string roff(std::string_view text) {
  std::string out;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    line_begins = c == '\n';
    if (c == '\\') {
      out += "\\e";
    } else {
      out += c == '-' ? std::string("\\-") : std::string(1, c);
    }
  }
  return out;
}

inline std::string option_names(const CLI::Option& option) {
  std::string text;
  for (const std::string& name : option.get_snames()) text += (text.empty() ? "-" : ", -") + name;
  for (const std::string& name : option.get_lnames()) text += (text.empty() ? "--" : ", --") + name;
  return text.empty() ? option.get_name(true) : text;
}

// Hidden ones are left out; so is --help where `nested`, as every command has it.
inline void put_options(std::string& out, const CLI::App& app, bool nested) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty() || (nested && option == app.get_help_ptr())) continue;
    out += ".TP\n\\fB" + roff(option_names(*option)) + "\\fR";
    const bool takes_value = option->get_items_expected_max() > 0 && !option->get_positional();
    if (takes_value) out += " \\fI" + roff(option->get_type_name()) + "\\fR";
    out += '\n' + roff(option->get_description());
    if (!option->get_default_str().empty()) out += " (default: " + roff(option->get_default_str()) + ')';
    out += '\n';
  }
}

// `section` 1 or 8; `see_also`: "viaductctl(1), viaduct(8)".
inline std::string man_page(const CLI::App& app, std::string_view version, int section, std::string_view see_also) {
  const std::string name = app.get_name();
  const std::string about = app.get_description();
  const std::string first = about.substr(0, about.find('\n'));
  std::string upper;
  for (const char c : name) upper += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  std::string out = ".\\\" Made by scripts/generate-docs.\n.TH " + upper + ' ' + std::to_string(section) +
                    " \"\" \"Viaduct " + std::string(version) + "\"\n.SH NAME\n" + name + " \\- " + roff(first) +
                    "\n.SH SYNOPSIS\n.B " + name + "\n[\\fIoptions\\fR]";
  const auto commands = app.get_subcommands([](const CLI::App* sub) { return !sub->get_group().empty(); });
  out += commands.empty() ? "\n" : " \\fIcommand\\fR [\\fIarguments\\fR]\n";
  out += ".SH DESCRIPTION\n" + roff(about) + "\n.SH OPTIONS\n";
  put_options(out, app, false);
  if (!commands.empty()) out += ".SH COMMANDS\n";
  for (const CLI::App* sub : commands) {
    out += ".SS " + roff(sub->get_name()) + '\n' + roff(sub->get_description()) + ".\n";
    put_options(out, *sub, true);
  }
  out +=
      ".SH EXAMPLES AND EXIT CODES\n.nf\n" + roff(app.get_footer()) + "\n.fi\n.SH SEE ALSO\n" + roff(see_also) + '\n';
  return out;
}

// A hidden `--manual`, which prints the page whatever else is missing.
inline void add_manual_flag(CLI::App& app, std::string_view version, int section, std::string_view see_also) {
  app.add_flag_callback("--manual",
                        [&app, version, section, see_also] {
                          std::fputs(man_page(app, version, section, see_also).c_str(), stdout);
                          throw CLI::Success();
                        })
      ->group("");
}

}  // namespace viaduct::manual
