// A place in the datagram and where reading must stop.
//
// Used inside one header row (or URI), where CR and LF occur only as part of a fold: so white space is the four octets
// of `lws_char` in any order, and a line break needs no further look (RFC 3261 section 7.3.1).
#pragma once

#include <cstdint>

#include "sip/charset.h"
#include "sip/message.h"
#include "sip/octets16.h"

namespace viaduct::sip {

struct Cursor {
  const char* base = nullptr;  // the datagram
  const char* p = nullptr;
  const char* end = nullptr;
  const char* readable = nullptr;  // the datagram's end

  Cursor(std::string_view bytes, Slice slice)
      : base(bytes.data()),
        p(bytes.data() + slice.begin),
        end(bytes.data() + slice.end),
        readable(bytes.data() + bytes.size()) {}

  bool done() const { return p == end; }
  bool at(char c) const { return p != end && *p == c; }
  bool eat(char c) {
    if (!at(c)) return false;
    ++p;
    return true;
  }
  void skip_lws() {
    if (p != end && static_cast<uint8_t>(*p) <= ' ') [[unlikely]]
      p = skip(p, end, lws_char);
  }
  // The run of `classes` from here, possibly empty.
  template <uint16_t classes>
  Slice run() {
    const char* from = p;
    p = skip16<classes>(p, end, readable);
    return slice(from, p);
  }
  // The same with escapes in it: escaped = "%" HEXDIG HEXDIG. A '%' that starts none ends the run, for peers would read
  // it differently.
  template <uint16_t classes>
  Slice run_escaped() {
    const char* from = p;
    p = skip16<classes>(p, end, readable);
    while (end - p >= 3 && *p == '%' && is(p[1], hex_char) && is(p[2], hex_char)) [[unlikely]] {
        p = skip16<classes>(p + 3, end, readable);
      }
    return slice(from, p);
  }
  // To the next `c`, or to the end.
  void find(char c) { p = find16(p, end, readable, c); }
  // From the opening quote to behind the closing one. False if there is none: RFC 3261 section 25.1, quoted-string.
  bool skip_quoted() {
    for (++p;; p += 2) {
      p = p < end ? find16(p, end, readable, '"', '\\') : end;
      if (p == end) return false;
      if (*p == '"') return ++p, true;
    }
  }
  Slice slice(const char* from, const char* to) const {
    return {static_cast<uint16_t>(from - base), static_cast<uint16_t>(to - base)};
  }
  std::string_view text(Slice s) const { return {base + s.begin, s.size()}; }
  uint64_t key(Slice name) const { return name_key(base + name.begin, name.size(), readable); }
};

}  // namespace viaduct::sip
