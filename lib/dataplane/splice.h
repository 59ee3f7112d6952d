// Edits applied and the result summed in one pass.
//
// The UDP checksum is computed from the final bytes. Reading them again right after writing them is slow: a load that
// spans several stores which have not reached the cache waits for them. So each piece is summed in the registers by
// which it moves. The sum of a piece that comes to lie at an odd place counts its octets the other way round.
//
//   received   |start line|      Via rows      |MF|  rest of the head  | body |
//   sent   |start line|own Via|  Via rows  |..|MF|  rest of the head   | body |
//           moved, summed^     ^texts: copied, summed                    only summed
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "proxy/edits.h"

namespace viaduct::dataplane {

struct SpliceKernel {
  std::string_view name;
  // Does what proxy::apply does to the message at `message`, and returns the sum (net/checksum.h: a machine's, not
  // folded) of what then lies between [message - growth + from] and [message + end]. No edit begins before `from`, and
  // none ends behind `end`.
  uint64_t (*splice)(const proxy::Edits& edits, uint8_t* message, uint16_t from, uint16_t end);
  // The same elsewhere: what would lie there, and its sum, is written to `to`, whose memory does not overlap the
  // message's; Berth::overrun octets behind it may be written too.
  uint64_t (*splice_to)(const proxy::Edits& edits, const uint8_t* message, uint16_t from, uint16_t end, uint8_t* to);
};

// Those this CPU can run, narrowest first (core/kernel_list.h says which is used). Thread: any.
std::span<const SpliceKernel> splice_kernels();
uint64_t splice(const proxy::Edits& edits, uint8_t* message, uint16_t from, uint16_t end);
uint64_t splice_to(const proxy::Edits& edits, const uint8_t* message, uint16_t from, uint16_t end, uint8_t* to);

uint64_t splice_plain(const proxy::Edits& edits, uint8_t* message, uint16_t from, uint16_t end);
uint64_t splice_to_plain(const proxy::Edits& edits, const uint8_t* message, uint16_t from, uint16_t end, uint8_t* to);
#if VIADUCT_SPLICE_KERNELS
uint64_t splice_avx512(const proxy::Edits& edits, uint8_t* message, uint16_t from, uint16_t end);
uint64_t splice_to_avx512(const proxy::Edits& edits, const uint8_t* message, uint16_t from, uint16_t end, uint8_t* to);
#endif

}  // namespace viaduct::dataplane
