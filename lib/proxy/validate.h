// The checks before anything else is done with a request (RFC 3261 section 16.3), in the order that decides which
// answer wins (VAL-01): size, syntax, Request-URI, Via maddr, Max-Forwards, Proxy-Require.
#pragma once

#include <optional>

#include "proxy/refusal.h"
#include "proxy/request.h"

namespace viaduct::proxy {

std::optional<Refusal> validate(const Request& request);

// A tag of Proxy-Require (or Require) that the cluster does not understand.
bool is_unknown_extension(const View& view, std::string_view tag);
bool has_unknown_extension(const Request& request, sip::Header header);

}  // namespace viaduct::proxy
