// The Internet checksum (RFC 1071) of IPv4 headers and of UDP.
//
// A sum is the running total of 16-bit big-endian words in one's complement, as a host number; whoever holds one may
// add small numbers to it (a protocol, a length) before handing it on, as long as it stays below 2^32. Spans that are
// summed one after the other are laid end to end only if all but the last have an even length.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/bytes.h"
#include "core/endian.h"
#include "net/address.h"

namespace viaduct::net {

// The loop over long spans, written for each instruction set. What it returns is the sum of the words as the machine
// sees them, its carries not yet folded, below 2^40: who adds up such sums folds once, and swaps then (RFC 1071
// section 2 B).
struct ChecksumKernel {
  std::string_view name;
  uint64_t (*sum)(const uint8_t* at, size_t size);  // of at most 65,536 bytes
};

// Those this CPU can run, narrowest first (core/kernel_list.h says which is used). Thread: any.
std::span<const ChecksumKernel> checksum_kernels();
uint64_t machine_sum(core::ByteView bytes);

// A machine's sum folded to 16 bits, still in the machine's order. Added to itself with its halves exchanged, a number
// has in its upper half their sum and the carry of that, as ones' complement wants it.
constexpr uint16_t fold_machine_sum(uint64_t sum) {
  const auto word = static_cast<uint32_t>((sum + std::rotl(sum, 32)) >> 32);
  return static_cast<uint16_t>((word + std::rotl(word, 16)) >> 16);
}

// `sum` with the words of `bytes` added, folded to 16 bits; an odd last byte counts as if a zero followed.
uint32_t checksum_add(core::ByteView bytes, uint32_t sum = 0);

// What the checksum field of an IPv4 header gets, computed while the field is 0.
core::be16 checksum(core::ByteView header);

// Source, destination, protocol 17 and length as UDP adds them (RFC 768; RFC 8200 section 8.1). Both of one family.
uint32_t udp_pseudo_sum(const IpAddress& source, const IpAddress& destination, uint16_t udp_length);

// What the checksum field of a UDP datagram gets, computed while the field is 0: 0xffff where the computation gives 0,
// because a field of 0 means "none" (RFC 768). `udp` is header and payload.
core::be16 checksum_udp(core::ByteView udp, uint32_t pseudo_sum);

}  // namespace viaduct::net
