// Methods (RFC 3261 section 7.1).
#pragma once

#include <string_view>

#include "sip/message.h"
#include "sip/octets16.h"

namespace viaduct::sip {

// Case-sensitive. Nothing is read from `readable` on, which is not within `name`.
Method method_of(std::string_view name, const char* readable);

// True for a known method written with lower-case letters: a common mistake, and another method to everybody.
bool is_known_method_in_other_case(std::string_view name);

}  // namespace viaduct::sip
