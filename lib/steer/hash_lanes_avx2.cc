// Four lanes. AVX2 has no rotation: by 32 and by 16 it is a shuffle, else two shifts.
#include <immintrin.h>

#include "steer/hash_lanes_loop.h"

namespace viaduct::steer {
namespace {

struct FourLanes {
  using Lanes = uint64_t __attribute__((vector_size(32)));
  static constexpr size_t width = 4;
  static Lanes of(const std::array<uint64_t, 4>& numbers) {
    return Lanes{numbers[0], numbers[1], numbers[2], numbers[3]};
  }
  static std::array<uint64_t, 4> numbers(Lanes lanes) { return {lanes[0], lanes[1], lanes[2], lanes[3]}; }
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
  static Lanes load(const std::array<const char*, 4>& words, size_t offset) {
    return Lanes{word_at(words[0] + offset), word_at(words[1] + offset), word_at(words[2] + offset),
                 word_at(words[3] + offset)};
  }
  static Lanes choose(unsigned which, Lanes yes, Lanes no) {
    const Lanes bit{1, 2, 4, 8};
    const Lanes mask = (Lanes)((each(which) & bit) == bit);
    return (yes & mask) | (no & ~mask);
  }
};

}  // namespace

void hash_lanes_avx2(HashLane* lanes, size_t count) { hash_in_lanes<FourLanes>(lanes, count); }

}  // namespace viaduct::steer
