// Our own answers (RFC 3261 sections 8.2.6 and 8.2.7), as a stateless user agent server gives them: once for each copy
// of the request, the same each time, never repeated, never provisional.
#pragma once

#include "proxy/edits.h"
#include "proxy/refusal.h"
#include "proxy/request.h"

namespace viaduct::proxy {

// Whether there is a Via to answer to, and enough of the rest (LOC-13).
bool is_answerable(const Request& request);

// Writes the answer as the text of `edits`, without Server, and without what OPTIONS asks for, if there is no room for
// them. False if it would be more than 160 octets larger than the request even so: whoever forges sources shall not
// gain by us (LOC-14).
bool write_reply(const Request& request, const Refusal& refusal, Edits& edits);

}  // namespace viaduct::proxy
