// Numbers of a fixed width in text: what is patched into a pre-rendered message never changes its length.
#pragma once

#include <tmmintrin.h>

#include <cstdint>
#include <cstring>
#include <optional>

namespace viaduct::blast {

inline constexpr size_t hex_digits = 16;
inline constexpr size_t decimal_digits = 8;

// Sixteen digits, both nibbles of all bytes looked up at once.
inline void write_hex(uint64_t value, char* out) {
  const __m128i digits = _mm_setr_epi8('0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f');
  const __m128i nibble = _mm_set1_epi8(0x0f);
  const __m128i bytes = _mm_cvtsi64_si128(static_cast<long long>(__builtin_bswap64(value)));
  const __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble);
  const __m128i text = _mm_shuffle_epi8(digits, _mm_unpacklo_epi8(high, _mm_and_si128(bytes, nibble)));
  std::memcpy(out, &text, hex_digits);
}

// Reads sixteen digits; nothing where one is none.
inline std::optional<uint64_t> read_hex(const char* text) {
  uint64_t value = 0;
  for (size_t i = 0; i < hex_digits; ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    unsigned digit = c - unsigned{'0'};
    if (digit > 9) {
      digit = (c | 0x20u) - 'a';
      if (digit > 5) return std::nullopt;
      digit += 10;
    }
    value = value << 4 | digit;
  }
  return value;
}

// Eight digits of `value` modulo 100,000,000: pairs, then quads, then all eight halved in parallel.
inline void write_decimal(uint32_t value, char* out) {
  value %= 100'000'000;
  uint64_t split = value / 10'000 | uint64_t{value % 10'000} << 32;
  uint64_t hundreds = ((split * 10'486) >> 20) & 0x0000'007f'0000'007full;
  split = hundreds | (split - 100 * hundreds) << 16;
  uint64_t tens = ((split * 103) >> 10) & 0x000f'000f'000f'000full;
  split = tens | (split - 10 * tens) << 8;
  split |= 0x3030'3030'3030'3030ull;
  std::memcpy(out, &split, decimal_digits);
}

}  // namespace viaduct::blast
