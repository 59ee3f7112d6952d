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

// Four numbers in lanes of eight octets: shifts drop what stands in front of the digits, and neighbours are added up
// three times, pairs of 10, of 100, of 10,000 (as in digits8.h). More lanes would have nothing to do.
bool shape_read_avx2(const char* octets, const ShapeNumbers& numbers, char* fields) {
  return read_numbers(
      numbers, fields, [&](size_t at, uint64_t * lanes) __attribute__((always_inline)) {
        const auto before = [&](size_t i) __attribute__((always_inline)) {
          long long word;
          std::memcpy(&word, octets + numbers.end[at + i] - sizeof word, sizeof word);
          return word;
        };
        const auto all = [&](const auto& of) __attribute__((always_inline)) {
          return _mm256_load_si256(reinterpret_cast<const __m256i*>(&of[at]));
        };
        const __m256i in_front = all(numbers.in_front), least = all(numbers.least), most = all(numbers.most);
        const __m256i text = _mm256_set_epi64x(before(3), before(2), before(1), before(0));
        const __m256i values = _mm256_xor_si256(text, _mm256_set1_epi8('0'));
        const __m256i digits = _mm256_sllv_epi64(_mm256_srlv_epi64(values, in_front), in_front);
        const __m256i pairs = _mm256_maddubs_epi16(digits, _mm256_set1_epi16(10 | 1 << 8));
        const __m256i fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(100 | 1 << 16));
        const __m256i number =
            _mm256_add_epi64(_mm256_mul_epu32(fours, _mm256_set1_epi64x(10000)), _mm256_srli_epi64(fours, 32));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(lanes), number);
        const __m256i wrong = _mm256_or_si256(_mm256_cmpgt_epi64(least, number), _mm256_cmpgt_epi64(number, most));
        return _mm256_testz_si256(wrong, wrong) != 0;
      });
}

}  // namespace viaduct::sip
