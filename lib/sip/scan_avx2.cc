// The scan with AVX2: two vectors a block. The look-up is that of scan_sse42.cc.
#include <immintrin.h>

#include "sip/scan_loop.h"
#include "sip/token_rows.h"

namespace viaduct::sip {
namespace {

class Avx2 {
 public:
  BlockMasks masks(const char* p) {
    const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32));
    const __m256i feed = _mm256_set1_epi8('\n');
    const __m256i carriage = _mm256_set1_epi8('\r');
    least_ = _mm256_min_epu8(least_, _mm256_min_epu8(a, b));
    return {bits(_mm256_cmpeq_epi8(a, feed), _mm256_cmpeq_epi8(b, feed)),
            bits(_mm256_cmpeq_epi8(a, carriage), _mm256_cmpeq_epi8(b, carriage)), bits(other(a), other(b))};
  }

  bool saw_nul() const { return _mm256_movemask_epi8(_mm256_cmpeq_epi8(least_, _mm256_setzero_si256())) != 0; }

  static void write(uint16_t* marks, uint64_t word, unsigned count, size_t base) {
    write_places(marks, word, count, base);
  }

 private:
  static uint64_t bits(__m256i low, __m256i high) {
    const auto low_bits = static_cast<uint32_t>(_mm256_movemask_epi8(low));
    return uint64_t{static_cast<uint32_t>(_mm256_movemask_epi8(high))} << 32 | low_bits;
  }
  static __m256i twice(const uint8_t* table) {
    return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(table)));
  }
  static __m256i other(__m256i octets) {
    const __m256i high = _mm256_and_si256(_mm256_srli_epi16(octets, 4), _mm256_set1_epi8(0x0f));
    const __m256i member = _mm256_and_si256(_mm256_shuffle_epi8(twice(token_rows.data()), octets),
                                            _mm256_shuffle_epi8(twice(high_digit_bits.data()), high));
    return _mm256_cmpeq_epi8(member, _mm256_setzero_si256());
  }

  __m256i least_ = _mm256_set1_epi8('a');
};

}  // namespace

void scan_avx2(std::string_view text, size_t from, Scan& scan) { ScanLoop<Avx2>(text, scan).run(from); }

}  // namespace viaduct::sip
