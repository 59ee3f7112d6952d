// The header section as a list of rows: where each begins.
//
// One pass over the bytes, up to the empty line, finds what framing needs (RFC 3261 section 7.3.1):
//
//   INVITE sip:bob@example.com SIP/2.0␍␊Via: SIP/2.0/UDP host␍␊ ;branch=z9hG4bKa␍␊To : <sip:bob@example.com>␍␊␍␊body
//   ^                                   ^                                         ^                           ^
//   begin[0]                            begin[1]                                  begin[2] headers_end
//
// A row begins after a line feed, unless with white space: then the line continues the row before (folding). The start
// line is row 0. Where a row's name ends is found by the one look at its first 16 octets that also tells which header
// it is (row_name.h); asking every octet of the section whether it ends a name costs more.
//
// The work is done by a kernel, written for the widest vectors a CPU has (scan_loop.h says how). Which one is decided
// once, at first use (core/kernel_list.h).
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
  uint32_t headers_end = 0;                // where the empty line is; the size of the text if there is none
  bool ended = false;                      // the empty line was found
  bool bare = false;                       // a CR without LF or an LF without CR, up to and including the empty line
  bool nul = false;                        // a NUL is in the text, but perhaps only behind the empty line
  std::array<uint16_t, begins_max> begin;  // and behind the last one, `headers_end`
};

// Scans `text`, at most 65,535 bytes, from `from` < text.size() on, where a visible octet stands. Reads nothing outside
// `text`.
using ScanFunction = void(std::string_view text, size_t from, Scan& scan);

// The same for a text that begins with a visible octet, from its start, and quicker: but only if it is plain, with an
// empty line, CR LF at the end of every line, no other CR or LF and no NUL in front of it, and not too many rows. Else
// false, and `scan` means nothing. False may be returned of a plain one too. What is not told is a fold: its line is
// listed as if it were a row.
using ScanPlainFunction = bool(std::string_view text, Scan& scan);

struct ScanKernel {
  std::string_view name;
  ScanFunction* scan;
  ScanPlainFunction* scan_plain;
};

// The kernels this CPU can run, narrowest first. Thread: any.
std::span<const ScanKernel> scan_kernels();

// The one `parse` uses. Thread: any.
const ScanKernel& active_scan_kernel();

// `parse` with a kernel of one's choice, for tests and benches.
Datagram parse_with(const ScanKernel& kernel, std::string_view datagram, Message& message);

ScanFunction scan_scalar;
ScanPlainFunction scan_plain_scalar;
#if VIADUCT_X86
ScanPlainFunction scan_plain_sse42;
ScanPlainFunction scan_plain_avx2;
ScanPlainFunction scan_plain_avx512;
ScanFunction scan_sse42;
ScanFunction scan_avx2;
ScanFunction scan_avx512;
#endif

}  // namespace viaduct::sip
