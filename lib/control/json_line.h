// JSON as it goes over the control socket.
#pragma once

#include <string>

#include "nlohmann/json.hpp"

namespace viaduct::control {

// On one line, without its end, and in ASCII: what an attacker wrote must not reach a terminal as control characters,
// C1 ones included (rule SEC-15). What is no UTF-8 becomes U+FFFD. Thread: any; allocates.
inline std::string json_line(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace viaduct::control
