// Methods (RFC 3261 section 7.1).
#pragma once

#include <string_view>

#include "sip/message.h"
#include "sip/octets16.h"

namespace viaduct::sip {

// Case-sensitive.
Method method_of(std::string_view name);

// The same, quick for those that are frequent: `key` is the word_key of `name`.
inline Method method_of(std::string_view name, uint64_t key) {
  if (key == key_of("INVITE")) return Method::invite;
  if (key == key_of("ACK")) return Method::ack;
  if (key == key_of("BYE")) return Method::bye;
  return method_of(name);
}

// True for a known method written with lower-case letters: a common mistake, and another method to everybody.
bool is_known_method_in_other_case(std::string_view name);

}  // namespace viaduct::sip
