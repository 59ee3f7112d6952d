// Where a request goes (RFC 3261 sections 16.5 and 16.6 steps 6 and 7, as narrowed by TGT-01).
//
// From a backend: over the flow whose token it presents, else to the first Route, else to the Request-URI. From
// outside: to the backend that a Route or our cookie names, else to the one the key picks; nowhere else (SEC-23).
#pragma once

#include <optional>

#include "proxy/refusal.h"
#include "proxy/request.h"

namespace viaduct::proxy {

std::optional<Refusal> choose_target(Request& request);

// Whether the pool that would get an INVITE with this Request-URI can serve anything at all (OPT-03); on the inside,
// where no pool is, whether any pool can.
bool has_usable_backend(const Request& request);

}  // namespace viaduct::proxy
