// The header section as a list of rows: where each begins and where its name ends.
//
// One pass over the bytes, up to the empty line, finds everything that framing needs (RFC 3261 section 7.3.1):
//
//   INVITE sip:bob@example.com SIP/2.0␍␊Via: SIP/2.0/UDP host␍␊ ;branch=z9hG4bKa␍␊To : <sip:bob@example.com>␍␊␍␊body
//   ^begin[0]
//         ^name_end[0]                 ^  ^                                       ^ ^                         ^
//                                  begin[1]                                   begin[2]                     headers_end
//                                         name_end[1]                               name_end[2]
//
// A row begins after a line feed, unless with white space: then the line continues the row before (folding). Its name
// ends at the first octet that is no token character, which is the colon in a well-formed row; so one mark gives both
// the colon and the proof that the name is a token. The start line is row 0.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sip/message.h"

namespace viaduct::sip {

struct Scan {
  static constexpr size_t rows_max = header_rows_max + 1;  // and the start line
  static constexpr uint32_t nowhere = UINT32_MAX;

  uint32_t rows = 0;                         // marks below; rows_max + 1 if there are more than rows_max
  bool ended = false;                        // the empty line was found
  uint32_t headers_end = 0;                  // where it is; the datagram's size if it was not found
  bool bare = false;                         // a CR without LF or an LF without CR in front of `headers_end`
  bool nul = false;                          // a NUL may be in front of `headers_end`
  std::array<uint16_t, rows_max + 1> begin;  // a row more than there are, so that a kernel may write before it counts
  std::array<uint16_t, rows_max + 1> name_end;
};

// Scans `text`, at most 65,535 bytes, from `from`.
void scan_rows(std::string_view text, size_t from, Scan& scan);

}  // namespace viaduct::sip
