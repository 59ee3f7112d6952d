// What the operator's rules say about a request; proxy::decide carries it out.
#pragma once

#include <cstdint>
#include <string_view>

#include "telemetry/reason.h"

namespace viaduct::policy {

inline constexpr uint16_t none = 0xffff;  // no such rule, limit or pool

struct Ruling {
  enum class Action : uint8_t { pass, pool, reply, drop };
  Action action = Action::pass;
  telemetry::Reason reason{};  // of reply and drop
  uint16_t status = 0;         // of reply
  uint16_t pool = none;        // of pool
  uint16_t rule = none;        // that decided, an index in the order of the file
  uint16_t limit = none;       // that was exceeded
  uint16_t tag = none;         // of the first rule that tags and matches: that rule
  std::string_view phrase;     // of reply; lives as long as the rules

  // Whether it ends here, whatever else is true of the message.
  bool ends() const { return action == Action::reply || action == Action::drop; }
};

}  // namespace viaduct::policy
