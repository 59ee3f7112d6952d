// The start line of a plain message in its usual form, fast. Included by parse.cc alone.
#pragma once

#include <cstring>

#include "sip/message.h"
#include "sip/method.h"
#include "sip/usual.h"

namespace viaduct::sip {

// Reads it: a method we know, a usual URI, our version; or our version, a code, and a reason. It has at least 16 octets
// in front of `last`, where 16 can still be read; `token` are those of its first token, `next` is where the next line
// begins. False if it is anything else: then it must be read by read_start_line.
[[gnu::always_inline]] inline bool read_plain_start(Message& message, ptrdiff_t last, uint16_t token, uint16_t next) {
  const char* const base = message.bytes.data();
  const auto end = static_cast<uint16_t>(next - 2);
  message.first_row = next;
  message.start_line.end = end;
  if (base[token] == ' ') {
    message.method_text.end = token;
    message.method = method_of({base, token}, base + last + octets16);
    const auto uri_begin = static_cast<uint16_t>(token + 1), uri_end = static_cast<uint16_t>(end - 8);
    if (message.method == Method::other || end < uri_begin + 8 || memcmp(base + uri_end, " SIP/2.0", 8) != 0) {
      return false;
    }
    message.version.begin = static_cast<uint16_t>(end - 7);
    message.version.end = end;
    message.request_uri.text.begin = uri_begin;
    message.request_uri.text.end = uri_end;
    return Usual(base, last, {uri_begin, uri_end}).uri(message.request_uri);
  }
  message.kind = Kind::response;
  message.version.end = 7;
  if (end < 12 || base[11] != ' ') return false;
  const auto digit = [base](size_t i) { return static_cast<unsigned>(static_cast<uint8_t>(base[i])) - '0'; };
  const unsigned hundreds = digit(8), tens = digit(9), ones = digit(10);
  if (hundreds - 1 > 5 || tens > 9 || ones > 9) return false;
  message.status = static_cast<uint16_t>(hundreds * 100 + tens * 10 + ones);
  return Usual(base, last, {12, end}).reason();
}

}  // namespace viaduct::sip
