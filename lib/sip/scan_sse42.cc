// The scan with SSE4.2: four vectors a block.
//
// Whether an octet is a token character is looked up by its two hexadecimal digits: row[low] has a bit for each high
// digit with which it makes one, bit[high] is that bit. An octet above 0x7f has no row (PSHUFB gives 0 for it).
#include <immintrin.h>

#include "sip/scan_loop.h"
#include "sip/token_rows.h"

namespace viaduct::sip {
namespace {

class Sse42 {
 public:
  BlockMasks masks(const char* p) {
    BlockMasks masks{};
    for (unsigned i = 0; i < 4; ++i) {
      const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 * i));
      masks.feed |= bits(_mm_cmpeq_epi8(octets, _mm_set1_epi8('\n'))) << (16 * i);
      masks.carriage |= bits(_mm_cmpeq_epi8(octets, _mm_set1_epi8('\r'))) << (16 * i);
      masks.other |= bits(other(octets)) << (16 * i);
      least_ = _mm_min_epu8(least_, octets);
    }
    return masks;
  }

  bool saw_nul() const { return bits(_mm_cmpeq_epi8(least_, _mm_setzero_si128())) != 0; }

  static void write(uint16_t* marks, uint64_t word, unsigned count, size_t base) {
    write_places(marks, word, count, base);
  }

 private:
  static uint64_t bits(__m128i octets) {
    return static_cast<uint64_t>(static_cast<uint16_t>(_mm_movemask_epi8(octets)));
  }
  static __m128i other(__m128i octets) {
    const __m128i rows = _mm_load_si128(reinterpret_cast<const __m128i*>(token_rows.data()));
    const __m128i high_bits = _mm_load_si128(reinterpret_cast<const __m128i*>(high_digit_bits.data()));
    const __m128i high = _mm_and_si128(_mm_srli_epi16(octets, 4), _mm_set1_epi8(0x0f));
    const __m128i member = _mm_and_si128(_mm_shuffle_epi8(rows, octets), _mm_shuffle_epi8(high_bits, high));
    return _mm_cmpeq_epi8(member, _mm_setzero_si128());
  }

  __m128i least_ = _mm_set1_epi8('a');
};

}  // namespace

void scan_sse42(std::string_view text, size_t from, Scan& scan) { ScanLoop<Sse42>(text, scan).run(from); }

}  // namespace viaduct::sip
