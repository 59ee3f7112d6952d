// Eight lanes, with a rotation of their own.
#include <immintrin.h>

#include "steer/hash_lanes_loop.h"

namespace viaduct::steer {
namespace {

struct EightLanes {
  using Lanes = uint64_t __attribute__((vector_size(64)));
  static constexpr size_t width = 8;
  static Lanes of(const std::array<uint64_t, 8>& numbers) {
    Lanes lanes;
    __builtin_memcpy(&lanes, numbers.data(), sizeof lanes);
    return lanes;
  }
  static std::array<uint64_t, 8> numbers(Lanes lanes) {
    std::array<uint64_t, 8> numbers;
    __builtin_memcpy(numbers.data(), &lanes, sizeof lanes);
    return numbers;
  }
  static Lanes each(uint64_t number) { return (Lanes)_mm512_set1_epi64(static_cast<long long>(number)); }
  template <int bits>
  static Lanes rotated(Lanes lanes) {
    return (Lanes)_mm512_rol_epi64((__m512i)lanes, bits);
  }
  static Lanes load(const std::array<const char*, 8>& words, size_t offset) {
    return Lanes{word_at(words[0] + offset), word_at(words[1] + offset), word_at(words[2] + offset),
                 word_at(words[3] + offset), word_at(words[4] + offset), word_at(words[5] + offset),
                 word_at(words[6] + offset), word_at(words[7] + offset)};
  }
  static Lanes choose(unsigned which, Lanes yes, Lanes no) {
    return (Lanes)_mm512_mask_mov_epi64((__m512i)no, static_cast<__mmask8>(which), (__m512i)yes);
  }
};

}  // namespace

void hash_lanes_avx512(HashLane* lanes, size_t count) { hash_in_lanes<EightLanes>(lanes, count); }

}  // namespace viaduct::steer
