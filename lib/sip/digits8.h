// Up to eight decimal digits at once, as octets of one word.
#pragma once

#include <cstdint>
#include <cstring>

namespace viaduct::sip {

inline constexpr uint64_t each_octet = 0x0101010101010101;

// A bit for each octet that is no digit's value.
inline uint64_t not_digits(uint64_t octets) {
  return (octets | (octets + each_octet * (0x80 - 10))) & each_octet * 0x80;
}

// Of eight digits' values, the first one lowest: neighbours are added up three times, pairs of 10, of 100, of 10,000.
inline uint32_t number_of(uint64_t octets) {
  octets = (octets * (10 * 0x100 + 1) >> 8) & 0x00ff00ff00ff00ff;
  octets = (octets * (100 * 0x10000 + 1) >> 16) & 0x0000ffff0000ffff;
  return static_cast<uint32_t>(octets * (10000 * 0x100000000 + 1) >> 32);
}

// The values of the last 1 to 8 octets in front of `end`, were they digits, as not_digits and number_of want them.
// Eight octets can be read there.
inline uint64_t octets_before(const char* end, size_t size) {
  uint64_t octets = 0;
  memcpy(&octets, end - 8, 8);
  const size_t in_front = 64 - 8 * size;
  return (octets ^ each_octet * '0') >> in_front << in_front;
}

}  // namespace viaduct::sip
