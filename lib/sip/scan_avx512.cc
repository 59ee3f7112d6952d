// The scan with AVX-512 (BW, VBMI, VBMI2: Ice Lake and Zen 4 or later): one vector a block.
//
// VPERMI2B looks all of ASCII up in one table of two registers; the sign bit of the result, or of an octet above 0x7f,
// says "no token character". VPCOMPRESSB turns a word of marks into their places.
#include <immintrin.h>

#include "sip/scan_loop.h"
#include "sip/token_rows.h"

namespace viaduct::sip {
namespace {

alignas(64) constexpr std::array<uint8_t, 64> counting = [] {
  std::array<uint8_t, 64> numbers{};
  for (unsigned i = 0; i < 64; ++i) numbers[i] = static_cast<uint8_t>(i);
  return numbers;
}();

class Avx512 {
 public:
  BlockMasks masks(const char* p) {
    const __m512i octets = _mm512_loadu_si512(p);
    const __m512i looked_up = _mm512_permutex2var_epi8(not_token_low_, octets, not_token_high_);
    least_ = _mm512_min_epu8(least_, octets);
    return {_mm512_cmpeq_epi8_mask(octets, _mm512_set1_epi8('\n')),
            _mm512_cmpeq_epi8_mask(octets, _mm512_set1_epi8('\r')),
            _mm512_movepi8_mask(_mm512_or_si512(looked_up, octets))};
  }

  bool saw_nul() const { return _mm512_testn_epi8_mask(least_, least_) != 0; }

  void write(uint16_t* marks, uint64_t word, unsigned count, size_t base) const {
    const __m512i places = _mm512_maskz_compress_epi8(word, counting_);
    const __m256i first = _mm256_add_epi16(_mm256_cvtepu8_epi16(_mm512_castsi512_si128(places)),
                                           _mm256_set1_epi16(static_cast<int16_t>(base)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(marks), first);
    if (count > 16) [[unlikely]]
      write_rest(marks, word, 0, count, base);
  }

 private:
  __m512i not_token_low_ = _mm512_load_si512(not_token.data());
  __m512i not_token_high_ = _mm512_load_si512(not_token.data() + 64);
  __m512i counting_ = _mm512_load_si512(counting.data());
  __m512i least_ = _mm512_set1_epi8('a');
};

}  // namespace

void scan_avx512(std::string_view text, size_t from, Scan& scan) { ScanLoop<Avx512>(text, scan).run(from); }

}  // namespace viaduct::sip
