// How a leaving packet is booked once the port has taken it.
#pragma once

#include <cstdint>

#include "proxy/decision.h"
#include "telemetry/reason.h"

namespace viaduct::dataplane {

struct Departure {
  enum class Kind : uint8_t { request, response, reply };
  Kind kind = Kind::request;
  telemetry::Reason reason{};  // of a reply
  uint16_t backend = proxy::none;
  uint16_t mtu = 0;  // of what leaves in fragments
};

}  // namespace viaduct::dataplane
