// Our own Record-Route values, come back as Route: known by their writing.
//
//   <sip:[flow token@]203.0.113.1:5060;lr[;vd=cookie]>
//
// Nearly every request inside a dialog brings one or two of them, just as we wrote them. Then it takes a few
// comparisons to know what a parser of URIs would find out in hundreds of steps. Whoever writes them differently
// (other order, other case, more parameters) means the same and is understood by the parser (route.cc).
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/cookie.h"
#include "proxy/flow_token.h"
#include "proxy/view.h"
#include "sip/message.h"

namespace viaduct::proxy {

struct OwnValue {
  sip::Slice text;         // the whole value
  uint16_t socket = none;  // that it names
  sip::Slice user;         // the flow token; empty: none
  sip::Slice vd;           // the cookie; empty: none
  FlowClaim flow;          // what the token says, if there is one
  CookieClaim cookie;      // and the cookie
};

// Reads the value at the beginning of `values`, which may have others behind it. False if it is not written as we
// write it.
bool read_own_value(std::string_view bytes, sip::Slice values, const View& view, OwnValue& value);

}  // namespace viaduct::proxy
