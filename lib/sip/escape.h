// Escapes of URIs, "%" HEXDIG HEXDIG, taken out (RFC 3261 section 19.1.2).
#pragma once

#include <cstddef>
#include <string_view>

#include "sip/charset.h"

namespace viaduct::sip {

// Hands each octet that `text` stands for to `put`; what is no escape stays as it is.
template <class Put>
void unescape(std::string_view text, Put put) {
  const auto value_of = [](char c) { return c <= '9' ? c - '0' : to_lower(c) - 'a' + 10; };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && text.size() - i > 2 && is(text[i + 1], hex_char) && is(text[i + 2], hex_char)) {
      put(static_cast<char>(value_of(text[i + 1]) * 16 + value_of(text[i + 2])));
      i += 2;
    } else {
      put(text[i]);
    }
  }
}

}  // namespace viaduct::sip
