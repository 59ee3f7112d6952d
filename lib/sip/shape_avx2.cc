// Shapes with AVX2: the kinds of a vector by two shuffles, one for each half of an octet.
#include <immintrin.h>

#include <array>

#include "sip/octet_kind.h"
#include "sip/shape_loop.h"

namespace viaduct::sip {
namespace {

__m256i load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

__m256i twice(const std::array<uint8_t, 16>& table) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table.data())));
}

class Fit {
 public:
  static constexpr size_t step = 32;

  [[gnu::always_inline]] void look(const char* at, const ShapeText& text, size_t offset) {
    const __m256i octets = load(at + offset);
    // An octet above 127 is of no kind: a shuffle gives zero for it.
    const __m256i high_half = _mm256_and_si256(_mm256_srli_epi16(octets, 4), _mm256_set1_epi8(15));
    const __m256i kinds = _mm256_and_si256(_mm256_shuffle_epi8(low_, octets), _mm256_shuffle_epi8(high_, high_half));
    const __m256i fitting = _mm256_and_si256(kinds, load(text.kinds.data() + offset));
    const __m256i same = _mm256_cmpeq_epi8(octets, load(text.octets.data() + offset));
    const __m256i none = _mm256_cmpeq_epi8(fitting, _mm256_setzero_si256());
    wrong_ = _mm256_or_si256(wrong_, _mm256_andnot_si256(same, none));
  }
  bool fits() const { return _mm256_testz_si256(wrong_, wrong_); }

 private:
  __m256i low_ = twice(kind_tables.low), high_ = twice(kind_tables.high);
  __m256i wrong_ = _mm256_setzero_si256();
};

// A bit for each of 64 octets that is `c`.
uint64_t where(__m256i low, __m256i high, char c) {
  const __m256i wanted = _mm256_set1_epi8(c);
  const auto low_bits = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)));
  const auto high_bits = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)));
  return low_bits | uint64_t{high_bits} << 32;
}

}  // namespace

uint32_t shape_outline_avx2(std::string_view text) {
  return outline_of(text, [](const char* p) {
    const __m256i low = load(p), high = load(p + Fit::step);
    return OutlineBits{.feeds = where(low, high, '\n'), .ats = where(low, high, '@')};
  });
}

bool shape_fits_avx2(const char* octets, const ShapeText& text, size_t size) {
  return all_fit<Fit>(octets, text, size);
}

void shape_copy_avx2(const char* from, size_t blocks, char* to) {
  for (size_t at = 0; at < blocks * ShapeKernel::block; at += ShapeKernel::block) {
    const __m256i first = load(from + at), second = load(from + at + sizeof first);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + at), first);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + at + sizeof first), second);
  }
}

bool shape_read_avx2(const char* octets, const ShapeNumbers& numbers, char* fields) {
  return read_numbers_in_lanes(octets, numbers, fields);
}

}  // namespace viaduct::sip
