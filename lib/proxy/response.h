// Responses (RFC 3261 sections 16.11, 18.1.2, 18.2.2): our Via comes off, and the next one says where to.
//
// Every class goes on, 100 included: holding anything back is for proxies that remember (RSP-07). Nothing is ever said
// in reaction to a response (RSP-14): what does not fit is dropped.
#pragma once

#include "proxy/decision.h"

namespace viaduct::proxy {

Decision decide_response(const sip::Message& message, const Arrival& arrival, const View& view,
                         const Foresight& foresight, Edits& edits);

}  // namespace viaduct::proxy
