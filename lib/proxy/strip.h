// Headers that nobody outside may bring along (conformance rule SEC-29).
//
// P-Asserted-Identity and its like are words between elements that trust each other (RFC 3325 section 5). A backend
// that believes them from whoever stands behind us must not get them from strangers, so a listener may be told to take
// them off. Without that they pass, as all headers that we have no business with do (FWD-01).
#pragma once

#include <vector>

#include "proxy/edits.h"
#include "proxy/view.h"
#include "sip/message.h"

namespace viaduct::proxy {

void strip_headers(const sip::Message& message, const std::vector<StrippedHeader>& headers, Edits& edits);

}  // namespace viaduct::proxy
