// The header section as a list of rows, with those found that are worth a closer look.
//
// One pass over the bytes, up to the empty line, finds what framing needs (RFC 3261 section 7.3.1):
//
//   INVITE sip:bob@example.com SIP/2.0␍␊Via: SIP/2.0/UDP host␍␊ ;branch=z9hG4bKa␍␊To : <sip:bob@example.com>␍␊␍␊body
//   ^                                   ^  ^                                      ^ ^                         ^
//   row 0                               row 1                                     row 2 headers_end
//                                          name end                                 name end
//
// A row begins after a line feed, unless with white space: then the line continues the row before (folding). The start
// line is row 0. Then one look at the first 16 octets of each row tells where its name ends, at the first octet that is
// no token character, and which header it is. A row of a header nobody here reads, whose name ends in a colon, is
// well-formed as far as anybody here cares, and never looked at again; the others are handed on.
//
// The work is done by a kernel, written for the widest vectors a CPU has (scan_loop.h says how). Which one is decided
// once, at first use: the widest, unless the environment variable VIADUCT_SIMD names another.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "sip/message.h"

namespace viaduct::sip {

struct Scan {
  static constexpr size_t rows_max = header_rows_max + 1;  // and the start line
  // A kernel counts the rows of a block of 64 octets after writing them, and writes 16 at least.
  static constexpr size_t begins_max = rows_max + 64 + 16;

  // rows_max + 1: there are more than rows_max. Then the first row too many is where `headers_end` is, and nothing is
  // said about what lies before it: all flags are false.
  uint32_t rows = 0;
  uint32_t found = 0;                      // how many rows are handed on
  uint32_t headers_end = 0;                // where the empty line is; the size of the text if there is none
  bool ended = false;                      // the empty line was found
  bool bare = false;                       // a CR without LF or an LF without CR, up to and including the empty line
  bool nul = false;                        // a NUL is in the text, but perhaps only behind the empty line
  std::array<uint16_t, begins_max> begin;  // and behind the last one, `headers_end`
};

// Set by a kernel in the header of a row that has no colon right behind a name.
inline constexpr uint8_t unusual_row = 0x80;

// Scans `text`, at most 65,535 bytes, from `from` < text.size() on, where a visible octet stands, and writes the rows
// that are of a known header or unusual, at most header_rows_max, to `rows`: where they begin, where their names end
// (as the begin of the value; its end is not set), and where the next row begins. Reads nothing outside `text`.
using ScanFunction = void(std::string_view text, size_t from, Scan& scan, Row* rows);

struct ScanKernel {
  std::string_view name;
  ScanFunction* scan;
};

// The kernels this CPU can run, narrowest first. Thread: any.
std::span<const ScanKernel> scan_kernels();

// The one `parse` uses. Thread: any.
const ScanKernel& active_scan_kernel();

// `parse` with a kernel of one's choice, for tests and benches.
Datagram parse_with(const ScanKernel& kernel, std::string_view datagram, Message& message);

ScanFunction scan_scalar;
#if VIADUCT_X86
ScanFunction scan_sse42;
ScanFunction scan_avx2;
ScanFunction scan_avx512;
#endif

}  // namespace viaduct::sip
