// Methods (RFC 3261 section 7.1).
#pragma once

#include <string_view>

#include "sip/message.h"

namespace viaduct::sip {

// Case-sensitive. Up to `readable` may be read.
Method method_of(std::string_view name, const char* readable);

// True for a known method written with lower-case letters: a common mistake, and another method to everybody.
bool is_known_method_in_other_case(std::string_view name);

}  // namespace viaduct::sip
