// What the kernels of shapes (shape.h) have in common. Included by them alone.
//
// Where a message's lines end, as a number: one pass over blocks of 64 octets, up to the empty line, takes a bit for
// each line feed, and for each '@', which nothing may stand for: it says how long the users of URIs are.
//
// Whether octets fit: in steps of a vector, the last of which overlaps the one before it.
//
// Numbers four at once. Each is written as four octets, whatever its field takes: what the field's neighbours are is
// known, and to read it where the whole Message has just been written would take longer than all the rest.
#pragma once

#include <nmmintrin.h>

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

}  // namespace viaduct::sip
