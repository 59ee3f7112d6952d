// Sixteen octets at once: which of them are in a character class, which of them equal something.
//
// Most runs in a message (a name, a token, a host) are shorter than 16 octets, so one look finds their end without a
// loop and without a branch to mispredict. SSE4.2 is below everything this project runs on (x86-64-v2), hence no
// dispatch.
//
// Any set of ASCII characters is a table of 16 bytes: entry l has bit h set if the character with hexadecimal digits h,
// l is a member. PSHUFB looks 16 octets up at once, once by each digit; an octet above 0x7f finds nothing.
#pragma once

#include <nmmintrin.h>

#include <array>
#include <cstdint>

#include "sip/charset.h"

namespace viaduct::sip {
namespace detail {

struct alignas(16) SixteenBytes {
  std::array<uint8_t, 16> bytes;
};

constexpr SixteenBytes member_rows(uint16_t classes) {
  SixteenBytes rows{};
  for (unsigned octet = 0; octet < 0x80; ++octet) {
    if (char_classes[octet] & classes) rows.bytes[octet & 15] |= static_cast<uint8_t>(1 << (octet >> 4));
  }
  return rows;
}

// Octets above 0x7f are members all or none.
constexpr bool has_high_members(uint16_t classes) { return (char_classes[0x80] & classes) != 0; }

template <uint16_t classes>
inline constexpr SixteenBytes rows_of_class = member_rows(classes);

inline constexpr SixteenBytes high_digit_bits{{1, 2, 4, 8, 16, 32, 64, 128}};

inline __m128i load(const SixteenBytes& bytes) {
  return _mm_load_si128(reinterpret_cast<const __m128i*>(bytes.bytes.data()));
}

}  // namespace detail

inline constexpr ptrdiff_t octets16 = 16;

inline __m128i load16(const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }

// A bit an octet: set where it is in none of `classes`.
template <uint16_t classes>
unsigned outside(__m128i octets) {
  const __m128i high = _mm_and_si128(_mm_srli_epi16(octets, 4), _mm_set1_epi8(0x0f));
  const __m128i member = _mm_and_si128(_mm_shuffle_epi8(detail::load(detail::rows_of_class<classes>), octets),
                                       _mm_shuffle_epi8(detail::load(detail::high_digit_bits), high));
  const auto ascii = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(member, _mm_setzero_si128())));
  if constexpr (!detail::has_high_members(classes)) return ascii;
  return ascii & ~static_cast<unsigned>(_mm_movemask_epi8(octets));
}

inline unsigned equal_to(__m128i octets, char c) {
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(octets, _mm_set1_epi8(c))));
}

// First octet of [p, end) that is in none of `classes`. Up to `readable`, which is `end` or behind it, may be read.
template <uint16_t classes>
const char* skip16(const char* p, const char* end, const char* readable) {
  while (readable - p >= octets16) [[likely]] {
      const unsigned stop = outside<classes>(load16(p));
      if (stop != 0) {
        p += __builtin_ctz(stop);
        return p < end ? p : end;
      }
      p += octets16;
      if (p >= end) return end;
    }
  return skip(p, end, classes);
}

}  // namespace viaduct::sip
