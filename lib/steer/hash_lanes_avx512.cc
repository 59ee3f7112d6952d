// Eight lanes, with a rotation of their own.
#include <immintrin.h>

#include "steer/hash_lanes_loop.h"

namespace viaduct::steer {
namespace {

struct EightLanes {
  using Lanes = uint64_t __attribute__((vector_size(64)));
  using Which = __mmask8;
  static constexpr size_t width = 8, at_once = 4;
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
  static void load_words(const char* const* inputs, size_t offset, Lanes (&words)[LaneBatch::words_at_once]) {
    const auto two = [&](size_t lane) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(inputs[lane] + offset));
    };
    const auto each_second = [&](size_t lane) {
      return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_set_m128i(two(lane + 2), two(lane))),
                                _mm256_set_m128i(two(lane + 6), two(lane + 4)), 1);
    };
    const __m512i even = each_second(0), odd = each_second(1);
    words[0] = (Lanes)_mm512_unpacklo_epi64(even, odd);
    words[1] = (Lanes)_mm512_unpackhi_epi64(even, odd);
  }
  static Lanes smaller(Lanes a, Lanes b) { return (Lanes)_mm512_min_epu64((__m512i)a, (__m512i)b); }
  static Lanes larger(Lanes a, Lanes b) { return (Lanes)_mm512_max_epu64((__m512i)a, (__m512i)b); }
  static uint64_t least(Lanes lanes) { return _mm512_reduce_min_epu64((__m512i)lanes); }
  static uint64_t greatest(Lanes lanes) { return _mm512_reduce_max_epu64((__m512i)lanes); }
  static Which greater(Lanes a, Lanes b) { return _mm512_cmpgt_epu64_mask((__m512i)a, (__m512i)b); }
  static Lanes choose(Which which, Lanes yes, Lanes no) {
    return (Lanes)_mm512_mask_mov_epi64((__m512i)no, which, (__m512i)yes);
  }
};

}  // namespace

void hash_lanes_avx512(LaneBatch& batch) { hash_in_lanes<EightLanes>(batch); }

}  // namespace viaduct::steer
