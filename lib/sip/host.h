// host [ ":" port ] of URIs and Via sent-by (RFC 3261 section 25.1).
#pragma once

#include <algorithm>

#include "sip/cursor.h"
#include "sip/message.h"

namespace viaduct::sip {

// IPv4address = 1*3DIGIT "." 1*3DIGIT "." 1*3DIGIT "." 1*3DIGIT, all of [text, text + size), decided by words of a bit
// an octet: three dots and else digits, no dot at an end or beside another, no four digits in a row. 16 octets can be
// read at `octets`; those behind the text mean nothing.
[[gnu::always_inline]] inline bool is_ipv4(__m128i octets, size_t size) {
  if (size - 7 > 15 - 7) return false;
  const unsigned all = (1u << size) - 1;
  const __m128i from_dot = _mm_sub_epi8(octets, _mm_set1_epi8('.'));
  const __m128i dot_to_nine = _mm_cmpeq_epi8(_mm_min_epu8(from_dot, _mm_set1_epi8('9' - '.')), from_dot);
  const unsigned slashes = bits_of(equal(octets, '/'));
  const unsigned dots = bits_of(equal(octets, '.')) & all;
  const unsigned digits = all ^ dots;
  const unsigned two_digits = digits & digits >> 1;
  const unsigned wrong = (~bits_of(dot_to_nine) | slashes) & all;
  const unsigned at_ends = dots & (1u | 1u << (size - 1));
  return (wrong | at_ends | (dots & dots >> 1) | (two_digits & two_digits >> 2)) == 0 && __builtin_popcount(dots) == 3;
}

inline bool is_ipv4(const char* text, size_t size, const char* readable) {
  if (size > 15) return false;
  char copy[octets16] = {};
  if (readable - text < octets16) [[unlikely]]
    text = static_cast<const char*>(memcpy(copy, text, size));
  return is_ipv4(load16(text), size);
}

// Reads a host name, an IPv4 address or an IPv6 reference in brackets at `in`. False if there is none.
// The text of an IPv6 reference is checked for its alphabet only: peers write forms that the grammar does not have but
// that everybody understands (RFC 5118 section 4.10).
inline bool read_host(Cursor& in, Host& host) {
  if (in.eat('[')) [[unlikely]] {
    host.text = in.run<ipv6_char>();
    host.kind = HostKind::ipv6;
    const std::string_view text = in.text(host.text);
    return std::count(text.begin(), text.end(), ':') >= 2 && in.eat(']');
  }
  const char* from = in.p;
  host.text = in.run<host_name_char>();
  if (in.p == from) return false;
  const bool digit_last = is(in.p[-1], digit_char);  // in nearly no name
  host.kind = digit_last && is_ipv4(from, host.text.size(), in.readable) ? HostKind::ipv4 : HostKind::name;
  return true;
}

}  // namespace viaduct::sip
