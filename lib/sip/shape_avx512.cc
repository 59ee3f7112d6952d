// Shapes with AVX-512 (BW, VBMI: Ice Lake and Zen 4 or later): a vector's kinds by one look into a table of 128.
#include <immintrin.h>

#include <array>

#include "sip/octet_kind.h"
#include "sip/shape_loop.h"

namespace viaduct::sip {
namespace {

alignas(64) constexpr std::array<uint8_t, 128> kinds_of_ascii = [] {
  std::array<uint8_t, 128> kinds{};
  for (size_t c = 0; c < kinds.size(); ++c) kinds[c] = kind_tables.kind_of(static_cast<char>(c));
  return kinds;
}();
static_assert(kinds_of_ascii[0x7f] == 0);  // what stands for all that is no ASCII

class Fit {
 public:
  static constexpr size_t step = 64;

  [[gnu::always_inline]] void look(const char* at, const ShapeText& text, size_t offset) {
    const __m512i octets = _mm512_loadu_si512(at + offset);
    const __m512i ascii = _mm512_min_epu8(octets, _mm512_set1_epi8(0x7f));
    const __m512i kinds = _mm512_permutex2var_epi8(low_, ascii, high_);
    const __mmask64 other = _mm512_cmpneq_epi8_mask(octets, _mm512_loadu_si512(text.octets.data() + offset));
    wrong_ =
        _kor_mask64(wrong_, _mm512_mask_testn_epi8_mask(other, kinds, _mm512_loadu_si512(text.kinds.data() + offset)));
  }
  bool fits() const { return _cvtmask64_u64(wrong_) == 0; }

 private:
  __m512i low_ = _mm512_load_si512(kinds_of_ascii.data());
  __m512i high_ = _mm512_load_si512(kinds_of_ascii.data() + 64);
  __mmask64 wrong_ = 0;
};

}  // namespace

uint32_t shape_outline_avx512(std::string_view text) {
  return outline_of(text, [](const char* p) {
    const __m512i octets = _mm512_loadu_si512(p);
    return OutlineBits{.feeds = _cvtmask64_u64(_mm512_cmpeq_epi8_mask(octets, _mm512_set1_epi8('\n'))),
                       .ats = _cvtmask64_u64(_mm512_cmpeq_epi8_mask(octets, _mm512_set1_epi8('@')))};
  });
}

bool shape_fits_avx512(const char* octets, const ShapeText& text, size_t size) {
  return all_fit<Fit>(octets, text, size);
}

void shape_copy_avx512(const char* from, size_t blocks, char* to) {
  for (size_t at = 0; at < blocks * ShapeKernel::block; at += ShapeKernel::block) {
    _mm512_storeu_si512(to + at, _mm512_loadu_si512(from + at));
  }
}

}  // namespace viaduct::sip
