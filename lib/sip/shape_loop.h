// What the kernels of shapes (shape.h) have in common. Included by them alone.
//
// Where a message's lines end, as a number: one pass over blocks of 64 octets, up to the empty line, takes a bit for
// each line feed, and for each '@', which nothing may stand for: it says how long the users of URIs are.
//
// Whether octets fit: in steps of a vector, the last of which overlaps the one before it.
//
// Numbers four at once, one to a lane of eight octets: shifts drop what stands in front of the digits, and neighbours
// are added up three times, pairs of 10, of 100, of 10,000 (as in digits8.h). Each is written as four octets, whatever
// its field takes: what the field's neighbours are is known, and to read it where the whole Message has just been
// written would take longer than all the rest.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "sip/shape.h"

namespace viaduct::sip {

struct OutlineBits {
  uint64_t feeds;
  uint64_t ats;
};

// `look` gives the bits of the 64 octets at a place. `text` has at least four octets.
template <class Look>
[[gnu::always_inline]] inline uint32_t outline_of(std::string_view text, Look look) {
  constexpr size_t block = 64;
  uint32_t start;
  std::memcpy(&start, text.data(), sizeof start);
  uint64_t outline = start, before = 0;
  const size_t whole = std::min(text.size(), ShapeText::bytes_max) / block * block;
  for (size_t at = 0; at < whole; at += block) {
    const OutlineBits bits = look(text.data() + at);
    // A line of one octet, the CR of the empty line, or something nearly as rare.
    const uint64_t empty = bits.feeds & (bits.feeds << 2 | before >> 62);
    const uint64_t up_to_it = empty ^ (empty - 1);  // all, where there is none
    outline = _mm_crc32_u64(outline, (bits.feeds | bits.ats) & up_to_it);
    if (empty != 0) break;
    before = bits.feeds;
  }
  return static_cast<uint32_t>(outline);
}

// `Fit` looks at `step` octets at a time.
template <class Fit>
[[gnu::always_inline]] inline bool all_fit(const char* octets, const ShapeText& text, size_t size) {
  Fit fit;
  for (size_t at = 0; at + Fit::step < size; at += Fit::step) fit.look(octets, text, at);
  fit.look(octets, text, size - Fit::step);
  return fit.fits();
}

// `values(at, lanes)` reads the four numbers from `at` on; false if one is none that may stand there.
template <class Values>
[[gnu::always_inline]] inline bool read_numbers(const ShapeNumbers& numbers, char* fields, Values values) {
  size_t at = 0;
  do {
    uint64_t lanes[ShapeNumbers::at_once];
    if (!values(at, lanes)) return false;
    for (size_t i = 0; i < ShapeNumbers::at_once; ++i) {
      const uint32_t word = numbers.beside[at + i] | static_cast<uint32_t>(lanes[i]);
      std::memcpy(fields + numbers.field[at + i], &word, sizeof word);
    }
    at += ShapeNumbers::at_once;
  } while (at < numbers.count);
  return true;
}

#ifdef __AVX2__
namespace {

// With what both vector kernels have.
[[gnu::always_inline]] inline bool read_numbers_in_lanes(const char* octets, const ShapeNumbers& numbers,
                                                         char* fields) {
  return read_numbers(
      numbers, fields, [&](size_t at, uint64_t * lanes) __attribute__((always_inline)) {
        const auto before = [&](size_t i) __attribute__((always_inline)) {
          long long word;
          std::memcpy(&word, octets + numbers.end[at + i] - sizeof word, sizeof word);
          return word;
        };
        const auto all = [&](const auto& of) __attribute__((always_inline)) {
          return _mm256_load_si256(reinterpret_cast<const __m256i*>(&of[at]));
        };
        const __m256i in_front = all(numbers.in_front), least = all(numbers.least), most = all(numbers.most);
        const __m256i text = _mm256_set_epi64x(before(3), before(2), before(1), before(0));
        const __m256i values = _mm256_xor_si256(text, _mm256_set1_epi8('0'));
        const __m256i digits = _mm256_sllv_epi64(_mm256_srlv_epi64(values, in_front), in_front);
        const __m256i pairs = _mm256_maddubs_epi16(digits, _mm256_set1_epi16(10 | 1 << 8));
        const __m256i fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(100 | 1 << 16));
        const __m256i number =
            _mm256_add_epi64(_mm256_mul_epu32(fours, _mm256_set1_epi64x(10000)), _mm256_srli_epi64(fours, 32));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(lanes), number);
        const __m256i wrong = _mm256_or_si256(_mm256_cmpgt_epi64(least, number), _mm256_cmpgt_epi64(number, most));
        return _mm256_testz_si256(wrong, wrong) != 0;
      });
}

}  // namespace
#endif

}  // namespace viaduct::sip
