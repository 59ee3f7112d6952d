#include "control/commands.h"

#include <algorithm>
#include <array>
#include <vector>

#include "control/backends_report.h"
#include "control/captures_report.h"
#include "control/config_report.h"
#include "control/csv.h"
#include "control/deviations_report.h"
#include "control/events_report.h"
#include "control/json_line.h"
#include "control/latency_report.h"
#include "control/ledger_report.h"
#include "control/orders.h"
#include "control/overload_report.h"
#include "control/policy_report.h"
#include "control/ports_report.h"
#include "control/report.h"
#include "control/words.h"
#include "control/workers_report.h"
#include "fmt/format.h"

namespace viaduct::control {
namespace {

constexpr char refused_member[] = "error";

std::string help() {
  std::string text = "show NAME [text|csv [TABLE]|json], where NAME is one of\n";
  for (const Command& command : commands()) {
    text += fmt::format("  {:36} {}\n", fmt::format("{} {}", command.name, command.arguments), command.help);
  }
  for (const Order& order : orders()) {
    text += fmt::format("{:38} {}\n", fmt::format("{} {}", order.name, order.arguments), order.help);
  }
  return text;
}

// How an answer is wanted.
struct Form {
  std::string_view name = "text";
  std::string_view table;  // of csv
  std::vector<std::string_view> arguments;
};

Form form_of(const Command& command, std::string_view line) {
  Form form;
  for (auto word = next_word(line); !word.empty(); word = next_word(line)) {
    if (word == "text" || word == "json" || word == "csv" || (word == "markdown" && command.markdown != nullptr)) {
      form.name = word;
    } else if (form.name == "csv" && form.table.empty() && table_named(command, word) != nullptr) {
      form.table = word;
    } else {
      form.arguments.push_back(word);
    }
  }
  return form;
}

std::string refused_words(const Command& command, const Form& form) {
  std::string tables;
  for (const Table& table : command.tables) tables += fmt::format("{}{}", tables.empty() ? "" : ", ", table.name);
  return fmt::format("error: '{}' is no format; leave it out for text, or say json, or csv with one of {}",
                     printable(form.arguments.front()), tables);
}

std::string to_json(const Command& command, const Report& report) {
  Report versioned = {{"schema", schema_version}, {"command", command.name}};
  versioned.update(report);
  return json_line(versioned);
}

std::string show(const Status& status, const Command& command, std::string_view line) {
  Form form = form_of(command, line);
  // Who wants that table wants it filled.
  const Table* const table = table_named(command, form.table);
  const std::string_view with = table == nullptr ? std::string_view() : table->with;
  if (!with.empty() && std::find(form.arguments.begin(), form.arguments.end(), with) == form.arguments.end()) {
    form.arguments.push_back(with);
  }
  if (!form.arguments.empty() && command.arguments.empty()) return refused_words(command, form);
  const Report report = command.report(status, form.arguments);
  if (report.size() == 1 && report.contains(refused_member)) {
    return "error: " + report[refused_member].get<std::string>();
  }
  if (form.name == "json") return to_json(command, report);
  if (form.name == "markdown") return command.markdown(report);
  if (form.name != "csv") return to_text(report);
  return to_csv(report, table == nullptr ? command.tables.front() : *table);
}

}  // namespace

std::string_view text_of(Kind kind) {
  switch (kind) {
    case Kind::text: return "text";
    case Kind::number: return "number";
    case Kind::counter: return "counter";
    case Kind::real: return "real";
    case Kind::flag: return "flag";
    case Kind::list: return "list";
  }
  return "";
}

std::span<const Command> commands() {
  static const std::array all{info_command,   stat_command,        backends_command, latency_command,
                              health_command, events_command,      workers_command,  overload_command,
                              drops_command,  deviations_command,  rules_command,    limits_command,
                              bans_command,   top_sources_command, ports_command,    neighbors_command,
                              names_command,  captures_command,    config_command};
  return all;
}

const Command* command_named(std::string_view name) {
  const auto all = commands();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Command& command) { return command.name == name; });
  return found == all.end() ? nullptr : &*found;
}

const Table* table_named(const Command& command, std::string_view name) {
  const auto found = std::find_if(command.tables.begin(), command.tables.end(),
                                  [&](const Table& table) { return table.name == name; });
  return found == command.tables.end() ? nullptr : &*found;
}

Report refusal(std::string_view sentence) { return {{refused_member, sentence}}; }

std::string answer(const Status& status, std::string_view line) {
  const std::string_view verb = next_word(line);
  if (verb == "help") return help();
  if (verb != "show") return fmt::format("error: '{}' is no command; there are\n{}", printable(verb), help());
  const std::string_view name = next_word(line);
  const Command* command = command_named(name);
  if (command == nullptr) return fmt::format("error: '{}' cannot be shown; there are\n{}", printable(name), help());
  return show(status, *command, line);
}

}  // namespace viaduct::control
