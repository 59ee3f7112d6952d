// The summing loop behind checksum.h, included once by each file that compiles it for an instruction set.
//
// RFC 1071, section 2, makes it fast. The sum does not depend on the order of the additions (A), so wide words and
// several of them at once will do; nor on the byte order (B), so words are added as the machine loads them and the
// result is swapped at the end; and carries may wait (C), here in the upper halves of 64-bit lanes:
//
//   32 bytes:  a b c d e f g h      as eight 32-bit words
//   low  +=    a . c . e . g .      into four 64-bit lanes
//   high +=    b . d . f . h .
//
// A lane takes 2^32 such additions before it could overflow; a packet has at most 2^11. Everything here has internal
// linkage: code made for one instruction set must not be merged with that for another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace viaduct::net {

// The words as the machine sees them, carries not yet folded. The others need a CPU with AVX2; with AVX-512 BW, VNNI.
uint64_t sum_words(const uint8_t* at, size_t size);
uint64_t sum_words_avx2(const uint8_t* at, size_t size);
uint64_t sum_words_avx512(const uint8_t* at, size_t size);

namespace {

using Lanes = uint64_t __attribute__((vector_size(32)));

template <class Word>
[[maybe_unused]] uint64_t load_word(const uint8_t* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

[[maybe_unused]] inline uint64_t sum_in_lanes(const uint8_t* at, size_t size) {
  constexpr Lanes low_halves = {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff};
  Lanes low{}, high{};
  for (; size >= 32; at += 32, size -= 32) {
    Lanes words;
    std::memcpy(&words, at, sizeof words);
    low += words & low_halves;
    high += words >> 32;
  }
  low += high;
  uint64_t sum = low[0] + low[1] + low[2] + low[3];
  for (; size >= 4; at += 4, size -= 4) sum += load_word<uint32_t>(at);
  if (size >= 2) {
    sum += load_word<uint16_t>(at);
    at += 2;
    size -= 2;
  }
  return size == 0 ? sum : sum + *at;  // the odd byte is the first of its word, the lower half here
}

}  // namespace
}  // namespace viaduct::net
