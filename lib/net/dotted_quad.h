// Reading an IPv4 address: RFC 3261 section 25.1, 1*3DIGIT "." 1*3DIGIT "." 1*3DIGIT "." 1*3DIGIT.
//
// Every response names the address to which it goes, and how many digits its parts have is what a branch would guess
// wrong. So there is none but for what is no address. Where the dots are says how long the parts are, one of 81 cases,
// and for each a table knows which digit goes where:
//
//   text     1 9 2 . 0 . 2 . 1 0          dots at 3, 5, 7: parts of 3, 1, 1, 2 digits
//   PSHUFB   . 1 9 2 | . . . 0 | . . . 2 | . . 1 0
//   times    0 100 10 1, added up: four numbers
//
// SSE4.1 is below everything this project runs on (x86-64-v2), hence no dispatch.
#pragma once

#include <smmintrin.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace viaduct::net {
namespace detail {

struct alignas(16) QuadPlaces {
  std::array<uint8_t, 16> places;
};

// By the numbers of digits of the four parts, each less one, as a number of base three.
inline constexpr std::array<QuadPlaces, 81> quad_places = [] {
  std::array<QuadPlaces, 81> table{};
  for (unsigned index = 0; index < table.size(); ++index) {
    unsigned at = 0, divisor = 27;
    for (unsigned part = 0; part < 4; ++part, divisor /= 3) {
      const unsigned digits = index / divisor % 3 + 1;
      for (unsigned i = 0; i < 4; ++i) {
        const bool has_digit = i >= 4 - digits;
        table[index].places[4 * part + i] = static_cast<uint8_t>(has_digit ? at++ : 0x80);
      }
      ++at;  // the dot
    }
  }
  return table;
}();

}  // namespace detail

// `four`: its bytes as they lie. False if `text` is anything else; then `four` is as it was. Leading zeros are allowed,
// and the parts are decimal, at most 255 each.
[[gnu::always_inline]] inline bool read_dotted_quad(std::string_view text, uint32_t& four) {
  const size_t size = text.size();
  if (size - 7 > 8) return false;
  uint64_t first = 0, second = 0;
  if (size == 7) [[unlikely]] {
    uint32_t begin = 0, end = 0;
    std::memcpy(&begin, text.data(), 4);
    std::memcpy(&end, text.data() + 3, 4);
    first = begin | uint64_t{end} << 24;
  } else {
    std::memcpy(&first, text.data(), 8);
    std::memcpy(&second, text.data() + size - 8, 8);
    second = second >> 8 >> 8 * (15 - size);  // without what is in `first`
  }
  const __m128i octets = _mm_set_epi64x(static_cast<long long>(second), static_cast<long long>(first));
  const __m128i values = _mm_sub_epi8(octets, _mm_set1_epi8('0'));
  const __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(values, _mm_set1_epi8(9)), values);
  const auto digits = static_cast<unsigned>(_mm_movemask_epi8(is_digit));
  const auto dots = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(octets, _mm_set1_epi8('.'))));
  const unsigned end = 1u << size;
  if (((digits | dots) & (end - 1)) != end - 1 || __builtin_popcount(dots) != 3) return false;
  const auto dot1 = static_cast<unsigned>(__builtin_ctz(dots));
  const auto dot2 = static_cast<unsigned>(__builtin_ctz(dots & (dots - 1)));
  const auto dot3 = 31 - static_cast<unsigned>(__builtin_clz(dots));
  // Digits of each part, less one.
  const unsigned a = dot1 - 1, b = dot2 - dot1 - 2, c = dot3 - dot2 - 2, d = static_cast<unsigned>(size) - dot3 - 2;
  if ((a > 2) | (b > 2) | (c > 2) | (d > 2)) return false;
  const auto& places = detail::quad_places[27 * a + 9 * b + 3 * c + d].places;
  const __m128i parts = _mm_shuffle_epi8(values, _mm_load_si128(reinterpret_cast<const __m128i*>(places.data())));
  const __m128i pairs = _mm_maddubs_epi16(parts, _mm_set1_epi32(1 << 24 | 10 << 16 | 100 << 8));
  const __m128i numbers = _mm_madd_epi16(pairs, _mm_set1_epi16(1));
  const __m128i too_large = _mm_cmpgt_epi32(numbers, _mm_set1_epi32(255));
  if (_mm_movemask_epi8(too_large) != 0) return false;
  const __m128i words = _mm_packus_epi32(numbers, numbers);
  four = static_cast<uint32_t>(_mm_cvtsi128_si32(_mm_packus_epi16(words, words)));
  return true;
}

}  // namespace viaduct::net
