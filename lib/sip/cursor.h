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
  const char* readable = nullptr;  // the datagram's end: a look at 16 octets may go beyond `end`, not beyond this

  Cursor(std::string_view bytes, Slice slice)
      : base(bytes.data()),
        p(bytes.data() + slice.begin),
        end(bytes.data() + slice.end),
        readable(bytes.data() + bytes.size()) {}

  bool done() const { return p == end; }
  bool at(char c) const { return p != end && *p == c; }
  void skip_lws() { p = skip(p, end, lws_char); }
  bool eat(char c) {
    if (!at(c)) return false;
    ++p;
    return true;
  }
  // The run of `classes` from here, possibly empty.
  template <uint16_t classes>
  Slice run() {
    const char* from = p;
    p = skip16<classes>(p, end, readable);
    return slice(from, p);
  }
  // From the opening quote to behind the closing one. False if there is none: RFC 3261 section 25.1, quoted-string.
  bool skip_quoted() {
    for (++p; p < end; ++p) {
      if (*p == '"') return ++p, true;
      if (*p == '\\') ++p;
    }
    p = end;
    return false;
  }
  Slice slice(const char* from, const char* to) const {
    return {static_cast<uint16_t>(from - base), static_cast<uint16_t>(to - base)};
  }
  std::string_view text(Slice s) const { return {base + s.begin, s.size()}; }
};

}  // namespace viaduct::sip
