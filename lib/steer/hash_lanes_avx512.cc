// Eight lanes, with a rotation of their own.
#include <immintrin.h>

#include "steer/hash_lanes_loop.h"

namespace viaduct::steer {
namespace {

struct EightLanes {
  using Lanes = uint64_t __attribute__((vector_size(64)));
  using Which = __mmask8;
  static constexpr size_t width = 8;
  static Lanes load(const uint64_t* numbers) {
    return (Lanes)_mm512_load_si512(reinterpret_cast<const __m512i*>(numbers));
  }
  static void store(Lanes lanes, uint64_t* numbers) {
    _mm512_store_si512(reinterpret_cast<__m512i*>(numbers), (__m512i)lanes);
  }
  static Lanes each(uint64_t number) { return (Lanes)_mm512_set1_epi64(static_cast<long long>(number)); }
  template <int bits>
  static Lanes rotated(Lanes lanes) {
    return (Lanes)_mm512_rol_epi64((__m512i)lanes, bits);
  }
  static __m256i four(const char* const* words, size_t offset) {
    return _mm256_set_m128i(two(words + 2, offset), two(words, offset));
  }
  static __m128i two(const char* const* words, size_t offset) {
    const __m128d first = _mm_load_sd(reinterpret_cast<const double*>(words[0] + offset));
    return _mm_castpd_si128(_mm_loadh_pd(first, reinterpret_cast<const double*>(words[1] + offset)));
  }
  static Lanes gather(const char* const* words, size_t offset) {
    return (Lanes)_mm512_inserti64x4(_mm512_castsi256_si512(four(words, offset)), four(words + 4, offset), 1);
  }
  static Which greater(Lanes a, Lanes b) { return _mm512_cmpgt_epu64_mask((__m512i)a, (__m512i)b); }
  static Lanes choose(Which which, Lanes yes, Lanes no) {
    return (Lanes)_mm512_mask_mov_epi64((__m512i)no, which, (__m512i)yes);
  }
};

}  // namespace

void hash_lanes_avx512(LaneBatch& batch) { hash_in_lanes<EightLanes>(batch); }

}  // namespace viaduct::steer
