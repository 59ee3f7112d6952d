// Four lanes. AVX2 has no rotation: by 32 and by 16 it is a shuffle, else two shifts.
#include <immintrin.h>

#include <algorithm>

#include "steer/hash_lanes_loop.h"

namespace viaduct::steer {
namespace {

struct FourLanes {
  using Lanes = uint64_t __attribute__((vector_size(32)));
  using Which = Lanes;  // all ones or all zeros
  static constexpr size_t width = 4, at_once = 4;
  static Lanes load(const uint64_t* numbers) {
    return (Lanes)_mm256_load_si256(reinterpret_cast<const __m256i*>(numbers));
  }
  static void store(Lanes lanes, uint64_t* numbers) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(numbers), (__m256i)lanes);
  }
  static Lanes each(uint64_t number) { return Lanes{number, number, number, number}; }
  template <int bits>
  static Lanes rotated(Lanes lanes) {
    if constexpr (bits == 32) return (Lanes)_mm256_shuffle_epi32((__m256i)lanes, 0xb1);
    if constexpr (bits == 16) {
      const __m256i left_by_two = _mm256_set_epi8(13, 12, 11, 10, 9, 8, 15, 14, 5, 4, 3, 2, 1, 0, 7, 6,  //
                                                  13, 12, 11, 10, 9, 8, 15, 14, 5, 4, 3, 2, 1, 0, 7, 6);
      return (Lanes)_mm256_shuffle_epi8((__m256i)lanes, left_by_two);
    }
    return lanes << bits | lanes >> (64 - bits);
  }
  static void load_words(const char* const* inputs, size_t offset, Lanes (&words)[LaneBatch::words_at_once]) {
    const auto two = [&](size_t lane) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(inputs[lane] + offset));
    };
    const __m256i even = _mm256_set_m128i(two(2), two(0)), odd = _mm256_set_m128i(two(3), two(1));
    words[0] = (Lanes)_mm256_unpacklo_epi64(even, odd);
    words[1] = (Lanes)_mm256_unpackhi_epi64(even, odd);
  }
  static Lanes smaller(Lanes a, Lanes b) { return a < b ? a : b; }
  static Lanes larger(Lanes a, Lanes b) { return a > b ? a : b; }
  static uint64_t least(Lanes lanes) { return std::min({lanes[0], lanes[1], lanes[2], lanes[3]}); }
  static uint64_t greatest(Lanes lanes) { return std::max({lanes[0], lanes[1], lanes[2], lanes[3]}); }
  static Which greater(Lanes a, Lanes b) { return (Lanes)(a > b); }
  static Lanes choose(Which which, Lanes yes, Lanes no) { return (yes & which) | (no & ~which); }
};

}  // namespace

void hash_lanes_avx2(LaneBatch& batch) { hash_in_lanes<FourLanes>(batch); }

}  // namespace viaduct::steer
