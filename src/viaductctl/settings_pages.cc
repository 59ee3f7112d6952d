#include "settings_pages.h"

#include "../manual.h"
#include "config/settings.h"
#include "fmt/format.h"

namespace viaduct::ctl {
namespace {

constexpr std::string_view about =
    "Written in TOML 1.0. All of it is checked before anything is done, and every mistake is told with its place: "
    "'viaduct --config FILE --check' or 'viaductctl check FILE'. A key that is not known is a mistake.";
constexpr std::string_view about_values =
    "A time is a whole number with its unit in quotes: \"500ms\", \"2s\", \"5m\", \"1h\". A name has up to 63 letters, "
    "digits, '.', '_' and '-', and begins with a letter or digit. Addresses are IPv4 or IPv6, with a port as in "
    "\"192.0.2.10:5060\" and \"[2001:db8::10]:5060\".";
constexpr std::string_view about_change =
    "'viaductctl reload' and SIGHUP bring a changed file into force, all of it or nothing; where the change needs a "
    "restart, the file is refused with a sentence. 'viaductctl reload --dry-run' tells before.";

std::string_view change_text(config::Change change) { return change == config::Change::reload ? "reload" : "restart"; }

// `a|b` would end a cell.
std::string cell_of(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string code_of(std::string_view text) { return text.empty() ? "" : fmt::format("`{}`", cell_of(text)); }

std::string standard_cell(const config::SettingText& setting) {
  return setting.standard == "required" ? std::string("required") : code_of(setting.standard);
}

}  // namespace

std::string settings_page() {
  std::string out = fmt::format(
      "<!-- Made by scripts/generate-docs from the program's own table. -->\n# The configuration "
      "file\n\n{}\n\n{}\n\n{}\n\n"
      "`config/viaduct.example.toml` is a file with every key but policy.md's, `viaductctl config` shows what is in "
      "force.\n",
      about, about_values, about_change);
  for (const config::SectionText& section : config::setting_sections()) {
    out += section.heading.empty() ? "\n## The top of the file\n" : fmt::format("\n## {}\n", section.heading);
    if (!section.heading.empty()) out += fmt::format("\n{}\n", section.help);
    out += "\n| key | values | default | example | changes by | |\n|---|---|---|---|---|---|\n";
    for (const config::SettingText& setting : section.settings) {
      out += fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", setting.key, cell_of(setting.values),
                         standard_cell(setting), code_of(setting.example), change_text(setting.change),
                         cell_of(setting.help));
    }
  }
  return out;
}

std::string settings_man_page() {
  using manual::roff;
  std::string out = ".\\\" Made by scripts/generate-docs.\n.TH VIADUCT.TOML 5 \"\" \"Viaduct " +
                    std::string(VIADUCT_VERSION) +
                    "\"\n.SH NAME\nviaduct.toml \\- the configuration of viaduct(8)\n.SH DESCRIPTION\n";
  for (const std::string_view paragraph : {about, about_values, about_change}) out += roff(paragraph) + "\n.PP\n";
  out += "What changes only by a restart says so; everything else changes by a reload.\n";
  for (const config::SectionText& section : config::setting_sections()) {
    out += ".SH " + roff(section.heading.empty() ? "THE TOP OF THE FILE" : section.heading) + '\n';
    if (!section.heading.empty()) out += roff(section.help) + '\n';
    for (const config::SettingText& setting : section.settings) {
      out += ".TP\n\\fB" + roff(setting.key) + "\\fR (" + roff(setting.values) + ")\n" + roff(setting.help) + ".\n";
      if (setting.standard == "required") {
        out += ".br\nRequired\n";
      } else if (!setting.standard.empty()) {
        out += ".br\nDefault: " + roff(setting.standard) + '\n';
      }
      if (!setting.example.empty()) out += ".br\nExample: " + roff(setting.example) + '\n';
      if (setting.change == config::Change::restart) out += ".br\nChanges by a restart\n";
    }
  }
  out += ".SH SEE ALSO\n" + roff("viaduct(8), viaductctl(1)") + '\n';
  return out;
}

}  // namespace viaduct::ctl
