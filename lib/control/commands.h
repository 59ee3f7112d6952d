// What operators type to see something, answered.
//
// Every `show` command is one function from a Status to JSON, with the tables that it fills (table.h). The other forms
// are made from the JSON by rule (report.h, csv.h), so they cannot tell different stories, and a new column is written
// once. A command comes from the file with its report; commands.cc lists them.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "control/status.h"
#include "control/table.h"
#include "nlohmann/json_fwd.hpp"

namespace viaduct::control {

using Report = nlohmann::ordered_json;
using Arguments = std::span<const std::string_view>;

// Of the JSON form: a number that grows when a member changes its meaning or goes. New members may come at any time.
inline constexpr int schema_version = 1;

struct Command {
  std::string_view name;          // "stat", typed as `show stat`
  std::string_view help;          // one line
  std::span<const Table> tables;  // the first one is what csv means
  Report (*report)(const Status& status, Arguments arguments);
  std::string_view arguments = {};                          // what may follow: "since NUMBER"; empty: nothing
  std::string (*markdown)(const Report& report) = nullptr;  // another form, if there is one
  std::string_view brief = {};  // arguments that keep the answer short, for who asks every second
};
std::span<const Command> commands();
const Command* command_named(std::string_view name);
const Table* table_named(const Command& command, std::string_view name);

// A report may refuse its arguments: then it is this, and the sentence is the answer.
Report refusal(std::string_view sentence);

// Answers a line of the control socket: `show NAME [ARGUMENT...] [text|csv [TABLE]|json|markdown]` or `help`. What is
// not understood is answered with a sentence that says what is, starting with "error: ".
std::string answer(const Status& status, std::string_view line);

}  // namespace viaduct::control
