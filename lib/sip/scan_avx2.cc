// The scan with AVX2: two vectors a block.
#include <immintrin.h>

#include "sip/plain_loop.h"
#include "sip/scan_loop.h"

namespace viaduct::sip {
namespace {

class Avx2 {
 public:
  // Low half and high half.
  class Block {
   public:
    explicit Block(const char* p) {
      for (int i = 0; i < 2; ++i) {
        const __m256i octets = load(p + 32 * i);
        starts_[i] = equal(load(p + 32 * i - 1), '\n');
        unpaired_[i] = _mm256_xor_si256(starts_[i], equal(load(p + 32 * i - 2), '\r'));
        odd_[i] = _mm256_and_si256(starts_[i], _mm256_cmpeq_epi8(_mm256_min_epu8(octets, space()), octets));
        least_ = _mm256_min_epu8(least_, octets);
      }
    }
    uint64_t starts() const { return bits(starts_); }
    bool any_odd() const {
      const __m256i odd = _mm256_or_si256(odd_[0], odd_[1]);
      return !_mm256_testz_si256(odd, odd);
    }
    uint64_t odd() const { return bits(odd_); }
    uint64_t unpaired() const { return bits(unpaired_); }
    __m256i any_unpaired() const { return _mm256_or_si256(unpaired_[0], unpaired_[1]); }
    __m256i least() const { return least_; }

   private:
    static __m256i load(const char* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
    static __m256i space() { return _mm256_set1_epi8(' '); }
    static __m256i equal(__m256i octets, char c) { return _mm256_cmpeq_epi8(octets, _mm256_set1_epi8(c)); }
    static uint64_t bits(const __m256i (&halves)[2]) {
      const auto low = static_cast<uint32_t>(_mm256_movemask_epi8(halves[0]));
      return uint64_t{static_cast<uint32_t>(_mm256_movemask_epi8(halves[1]))} << 32 | low;
    }

    __m256i starts_[2], odd_[2], unpaired_[2];
    __m256i least_ = _mm256_set1_epi8('a');
  };

  void start(size_t) {}

  Block look(const char* p) {
    const Block block(p);
    least_ = _mm256_min_epu8(least_, block.least());
    return block;
  }

  void keep(const Block& block) { unpaired_ = _mm256_or_si256(unpaired_, block.any_unpaired()); }
  bool any_unpaired() const { return !_mm256_testz_si256(unpaired_, unpaired_); }
  bool any_nul() const { return _mm256_movemask_epi8(_mm256_cmpeq_epi8(least_, _mm256_setzero_si256())) != 0; }

  static void write(uint16_t* places, uint64_t word, unsigned count, size_t base) {
    write_places(places, word, count, base);
  }

 private:
  __m256i least_ = _mm256_set1_epi8('a');
  __m256i unpaired_ = _mm256_setzero_si256();
};

class Plain2 {
 public:
  void start(size_t) {}

  [[gnu::always_inline]] void look(const char* p) {
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32));
    least_ = _mm256_min_epu8(least_, _mm256_min_epu8(low, high));
    feeds_ = bits(low, high, '\n');
    returns_ = bits(low, high, '\r');
  }
  uint64_t feeds() const { return feeds_; }
  uint64_t returns() const { return returns_; }
  bool any_nul() const { return _mm256_movemask_epi8(_mm256_cmpeq_epi8(least_, _mm256_setzero_si256())) != 0; }

  [[gnu::always_inline]] static void write(uint16_t* places, uint64_t word, unsigned count, size_t base) {
    write_places(places, word, count, base);
  }

 private:
  [[gnu::always_inline]] static uint64_t bits(__m256i low, __m256i high, char c) {
    const __m256i wanted = _mm256_set1_epi8(c);
    const auto low_bits = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)));
    const auto high_bits = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)));
    return uint64_t{high_bits} << 32 | low_bits;
  }

  __m256i least_ = _mm256_set1_epi8('a');
  uint64_t feeds_ = 0, returns_ = 0;
};

}  // namespace

bool scan_plain_avx2(std::string_view text, Scan& scan) { return PlainLoop<Plain2>(text, scan).run(); }

void scan_avx2(std::string_view text, size_t from, Scan& scan) { ScanLoop<Avx2>(text, scan).run(from); }

}  // namespace viaduct::sip
