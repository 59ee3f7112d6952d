// Sixteen octets at once: which of them are in a character class, which of them equal something.
//
// Most runs in a message (a name, a token, a host) are shorter than 16 octets, so one look finds their end without a
// loop and without a branch to mispredict. SSE4.2 is below everything this project runs on (x86-64-v2), hence no
// dispatch.
//
// Any set of ASCII characters is a table of 16 bytes: entry l has bit h set if the character with hexadecimal digits h,
// l is a member. PSHUFB looks 16 octets up at once, once by each digit; an octet above 0x7f finds nothing.
//
// Kernels of wider vectors include this too. So every function is inlined always: a copy that the linker picked for all
// could be one that only some CPUs can run.
//
// A look reads 16 octets, so it must not come too close to the end of the datagram: `readable` says where that is, and
// the last few octets are read one by one.
#pragma once

#include <nmmintrin.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "sip/charset.h"

namespace viaduct::sip {
namespace detail {

struct alignas(16) MemberRows {
  std::array<uint8_t, 16> rows{};

  explicit constexpr MemberRows(uint16_t classes) {
    for (unsigned octet = 0; octet < 0x80; ++octet) {
      if (char_classes[octet] & classes) rows[octet & 15] |= static_cast<uint8_t>(1 << (octet >> 4));
    }
  }
};

template <uint16_t classes>
inline constexpr MemberRows rows_of_class{classes};

alignas(16) inline constexpr std::array<uint8_t, 16> high_digit_bits{1, 2, 4, 8, 16, 32, 64, 128};

}  // namespace detail

inline constexpr ptrdiff_t octets16 = 16;

[[gnu::always_inline]] inline __m128i load16_aligned(const uint8_t* p) {
  return _mm_load_si128(reinterpret_cast<const __m128i*>(p));
}

[[gnu::always_inline]] inline unsigned bits_of(__m128i octets) {
  return static_cast<unsigned>(_mm_movemask_epi8(octets));
}

[[gnu::always_inline]] inline __m128i load16(const char* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}

// The octets [p, end), fewer than 16, with 16 in front of `end` that can be read; and zeros behind them.
[[gnu::always_inline]] inline __m128i load16_before(const char* p, const char* end) {
  // PSHUFB takes the lower four bits of a place, and gives 0 if the highest is set: from 16 + 0x70 on.
  const __m128i first = _mm_set1_epi8(static_cast<char>(octets16 - (end - p) + 0x70));
  const __m128i places = _mm_add_epi8(first, _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  return _mm_shuffle_epi8(load16(end - octets16), places);
}

// A bit an octet: set where it is in none of `classes`.
template <uint16_t classes>
[[gnu::always_inline]] inline unsigned outside(__m128i octets) {
  const __m128i high = _mm_and_si128(_mm_srli_epi16(octets, 4), _mm_set1_epi8(0x0f));
  const __m128i member =
      _mm_and_si128(_mm_shuffle_epi8(load16_aligned(detail::rows_of_class<classes>.rows.data()), octets),
                    _mm_shuffle_epi8(load16_aligned(detail::high_digit_bits.data()), high));
  const unsigned ascii = bits_of(_mm_cmpeq_epi8(member, _mm_setzero_si128()));
  constexpr bool has_high_members = (detail::char_classes[0x80] & classes) != 0;  // all or none
  if constexpr (!has_high_members) return ascii;
  return ascii & ~bits_of(octets);
}

[[gnu::always_inline]] inline __m128i equal(__m128i octets, char c) { return _mm_cmpeq_epi8(octets, _mm_set1_epi8(c)); }

// First octet of [p, end) at which `look`, given 16 octets, sets a bit, and which `stops`, given one, stops at.
template <class Look, class Stops>
[[gnu::always_inline]] inline const char* find16(const char* p, const char* end, const char* readable, Look look,
                                                 Stops stops) {
  while (readable - p >= octets16) [[likely]] {
      const unsigned stop = look(load16(p));
      if (stop != 0) {
        p += __builtin_ctz(stop);
        return p < end ? p : end;
      }
      p += octets16;
      if (p >= end) return end;
    }
  while (p < end && !stops(*p)) ++p;
  return p;
}

// First octet of [p, end) that is in none of `classes`.
template <uint16_t classes>
[[gnu::always_inline]] inline const char* skip16(const char* p, const char* end, const char* readable) {
  return find16(
      p, end, readable, [](__m128i octets) { return outside<classes>(octets); },
      [](char c) { return !is(c, classes); });
}

// First `a` or `b` in [p, end).
[[gnu::always_inline]] inline const char* find16(const char* p, const char* end, const char* readable, char a, char b) {
  return find16(
      p, end, readable, [a, b](__m128i octets) { return bits_of(_mm_or_si128(equal(octets, a), equal(octets, b))); },
      [a, b](char c) { return c == a || c == b; });
}
[[gnu::always_inline]] inline const char* find16(const char* p, const char* end, const char* readable, char a, char b,
                                                 char c) {
  return find16(
      p, end, readable,
      [=](__m128i octets) {
        return bits_of(_mm_or_si128(_mm_or_si128(equal(octets, a), equal(octets, b)), equal(octets, c)));
      },
      [=](char octet) { return octet == a || octet == b || octet == c; });
}
[[gnu::always_inline]] inline const char* find16(const char* p, const char* end, const char* readable, char a) {
  return find16(
      p, end, readable, [a](__m128i octets) { return bits_of(equal(octets, a)); }, [a](char c) { return c == a; });
}

// Up to eight octets as one number, the first one lowest: short words are compared as one. Of a longer word, the first
// eight.
[[gnu::always_inline]] inline uint64_t word_key(const char* word, size_t size, const char* readable) {
  uint64_t key = 0;
  if (readable - word >= 8) [[likely]] {
    memcpy(&key, word, 8);
  } else {
    memcpy(&key, word, static_cast<size_t>(readable - word));
  }
  return size >= 8 ? key : key & ((uint64_t{1} << (8 * size)) - 1);
}

// The same in lower case, if the word is a token.
[[gnu::always_inline]] inline uint64_t name_key(const char* name, size_t size, const char* readable) {
  const uint64_t key = word_key(name, size, readable) | 0x2020202020202020;
  return size >= 8 ? key : key & ((uint64_t{1} << (8 * size)) - 1);
}

// The key of a literal.
constexpr uint64_t key_of(std::string_view name) {
  uint64_t key = 0;
  for (size_t i = 0; i < name.size() && i < 8; ++i) key |= uint64_t{static_cast<uint8_t>(name[i])} << (8 * i);
  return key;
}

}  // namespace viaduct::sip
