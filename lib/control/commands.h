// What operators type, answered.
//
// Every `show` command is one pure function from a Status to JSON. The text form is made from the JSON by rule
// (report.h), so the two cannot tell different stories, and a new column is written once.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "control/status.h"
#include "nlohmann/json.hpp"

namespace viaduct::control {

using Report = nlohmann::ordered_json;

struct Command {
  std::string_view name;  // "stat", typed as `show stat`
  std::string_view help;  // one line
  Report (*report)(const Status& status);
};
std::span<const Command> commands();

// Answers a line of the control socket: `show NAME [json]` or `help`. What is not understood is answered with a
// sentence that says what is, starting with "error: ".
std::string answer(const Status& status, std::string_view line);

}  // namespace viaduct::control
