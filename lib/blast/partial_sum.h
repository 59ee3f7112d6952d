// Checksums put together from sums of parts, so that a patched message is not read again.
//
// The Internet checksum is a sum of 16-bit words in one's complement, in any order (RFC 1071 section 2): the sum of a
// template with zeros where its fields go, plus the sums of the fields. Words are taken as the machine loads them; the
// byte order cancels out when the result is stored the same way. A field at an odd place counts with its bytes swapped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace viaduct::blast {

inline uint16_t fold(uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>((sum & 0xffff) + (sum >> 16));
}

// Of eight bytes.
inline uint64_t word_sum(const void* at) {
  uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return (word & 0xffffffff) + (word >> 32);
}

// Of any bytes; an odd last one counts as if a zero followed.
inline uint16_t folded_sum(const void* bytes, size_t size) {
  const auto* at = static_cast<const uint8_t*>(bytes);
  uint64_t sum = 0;
  for (; size >= 8; at += 8, size -= 8) sum += word_sum(at);
  uint8_t rest[8] = {};
  std::memcpy(rest, at, size);
  return fold(sum + word_sum(rest));
}

// What a folded sum counts at an even or odd place.
inline uint64_t placed(uint16_t sum, bool odd) { return odd ? __builtin_bswap16(sum) : sum; }

// What a checksum field gets, as the machine stores it.
inline uint16_t finished(uint64_t sum) { return static_cast<uint16_t>(~fold(sum)); }

}  // namespace viaduct::blast
