// Why a request is not forwarded, and what its sender is told.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "sip/fault.h"
#include "telemetry/reason.h"

namespace viaduct::proxy {

// The header an answer must have beside the usual ones (LOC-11).
enum class Extra : uint8_t {
  nothing,
  retry_after,
  unsupported_proxy_require,  // Unsupported: tags of Proxy-Require that nobody here knows
  unsupported_require,        // likewise of Require, where we are the user agent server
  require_path,
  capabilities,  // what OPTIONS asks for
};

struct Refusal {
  telemetry::Reason reason;
  uint16_t status;
  std::string_view phrase;
  Extra extra = Extra::nothing;
  sip::Fault fault = sip::Fault::none;  // of syntax, if that is why
};

// The one answer that belongs to `reason`.
Refusal refusal_for(telemetry::Reason reason, Extra extra = Extra::nothing);

// A fault of syntax.
Refusal refusal_for(sip::Fault fault, bool method_is_known);

}  // namespace viaduct::proxy
