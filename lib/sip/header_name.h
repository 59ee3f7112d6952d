// Header names, long and compact, in any case (RFC 3261 sections 7.3.1 and 7.3.3).
#pragma once

#include <string_view>

#include "sip/message.h"

namespace viaduct::sip {

Header header_of(std::string_view name);

}  // namespace viaduct::sip
