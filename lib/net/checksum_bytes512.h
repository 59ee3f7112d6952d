// Sums by AVX-512: of the octets at even places and of those at odd places, by VNNI.
//
// VPDPBUSD multiplies 64 octets by 64 small numbers and adds the products, four by four, to 16 sums of 32 bits. With
// ones and zeros in turn it adds up every second octet, so two of them do for 64 octets what four instructions do with
// words. And a span that begins at an odd place of the datagram needs no swap: it is enough to swap the two.
//
//   even places   1 0 1 0 ...      a sum of words as the machine sees them is
//   odd places    0 1 0 1 ...      (octets at even places) + 256 * (octets at odd places)
//
// Included by files that are compiled for it, hence in an unnamed namespace.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace viaduct::net {
namespace {

class ByteSums {
 public:
  // What is added next begins at such a place of the datagram. Made, not chosen: whether it is odd is a coin's toss,
  // and a choice between two constants becomes a branch.
  [[gnu::always_inline]] void at_place(size_t place) {
    even_ones_ = _mm512_set1_epi16(static_cast<int16_t>(1u << place % 2 * 8));
    odd_ones_ = _mm512_xor_si512(even_ones_, _mm512_set1_epi8(1));
  }
  // To one of two sums: each addition waits for the one before to the same.
  template <size_t which = 0>
  [[gnu::always_inline]] void add(__m512i octets) {
    static_assert(which < 2);
    even_[which] = _mm512_dpbusd_epi32(even_[which], octets, even_ones_);
    odd_[which] = _mm512_dpbusd_epi32(odd_[which], octets, odd_ones_);
  }
  // Of at most 65,536 octets.
  uint64_t machine_sum() const {
    const __m512i even = _mm512_add_epi32(even_[0], even_[1]), odd = _mm512_add_epi32(odd_[0], odd_[1]);
    const __m512i sum = _mm512_add_epi32(even, _mm512_slli_epi32(odd, 8));
    const __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64(sum, 1));
    __m128i rest = _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    rest = _mm_add_epi32(rest, _mm_shuffle_epi32(rest, 0x4e));
    rest = _mm_add_epi32(rest, _mm_shuffle_epi32(rest, 0xb1));
    return static_cast<uint32_t>(_mm_cvtsi128_si32(rest));
  }

  // At most 64.
  [[gnu::always_inline]] static __mmask64 first(size_t octets) {
    return _cvtu64_mask64(_bzhi_u64(~uint64_t{0}, static_cast<unsigned>(octets)));
  }

  // All of a span.
  [[gnu::always_inline]] void add_span(const uint8_t* at, size_t size) {
    for (; size > 128; at += 128, size -= 128) {
      add(_mm512_loadu_si512(at));
      add<1>(_mm512_loadu_si512(at + 64));
    }
    if (size > 64) {
      add(_mm512_loadu_si512(at));
      at += 64;
      size -= 64;
    }
    add<1>(_mm512_maskz_loadu_epi8(first(size), at));
  }

 private:
  __m512i even_ones_ = _mm512_set1_epi16(0x0001);
  __m512i odd_ones_ = _mm512_set1_epi16(0x0100);
  __m512i even_[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
  __m512i odd_[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
};

}  // namespace
}  // namespace viaduct::net
