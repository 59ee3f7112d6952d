// JSON as an operator reads it.
//
//   an object's plain members    name  value, one a line
//   an array of objects          a table with a heading line; numbers to the right
//   an object inside an object   its name on a line, then itself, indented
//
// No line is empty: the control socket ends an answer with an empty line.
#pragma once

#include <string>

#include "nlohmann/json_fwd.hpp"

namespace viaduct::control {

std::string to_text(const nlohmann::ordered_json& report);

}  // namespace viaduct::control
