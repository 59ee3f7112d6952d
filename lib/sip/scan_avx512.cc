// The scan with AVX-512 (BW, VBMI2: Ice Lake and Zen 4 or later): one vector a block, words in mask registers, and
// VPCOMPRESSB to turn a word into places.
#include <immintrin.h>

#include "sip/plain_loop.h"
#include "sip/scan_loop.h"

namespace viaduct::sip {
namespace {

alignas(64) constexpr std::array<uint8_t, 64> counting = [] {
  std::array<uint8_t, 64> numbers{};
  for (unsigned i = 0; i < 64; ++i) numbers[i] = static_cast<uint8_t>(i);
  return numbers;
}();

class Avx512 {
 public:
  class Block {
   public:
    Block(__mmask64 starts, __mmask64 odd, __mmask64 unpaired) : starts_(starts), odd_(odd), unpaired_(unpaired) {}
    uint64_t starts() const { return starts_; }
    bool any_odd() const { return odd_ != 0; }
    uint64_t odd() const { return odd_; }
    uint64_t unpaired() const { return unpaired_; }

   private:
    __mmask64 starts_, odd_, unpaired_;
  };

  void start(size_t at) { base_ = _mm256_set1_epi16(static_cast<int16_t>(at - block_bytes)); }

  Block look(const char* p) {
    base_ = _mm256_add_epi16(base_, _mm256_set1_epi16(int16_t{block_bytes}));

    __m512i octets = _mm512_loadu_si512(p);
    __m512i before = _mm512_loadu_si512(p - 1);
    __m512i before_that = _mm512_loadu_si512(p - 2);
    // Keep them in registers: GCC would rather load them again for each use, across two cache lines each time.
    asm("" : "+v"(octets), "+v"(before), "+v"(before_that));
    least_ = _mm512_min_epu8(least_, octets);
    const __mmask64 starts = _mm512_cmpeq_epi8_mask(before, _mm512_set1_epi8('\n'));
    const __mmask64 broken = _mm512_cmpeq_epi8_mask(before_that, _mm512_set1_epi8('\r'));
    return {starts, _mm512_mask_cmple_epu8_mask(starts, octets, _mm512_set1_epi8(' ')), _kxor_mask64(starts, broken)};
  }

  void keep(const Block& block) { unpaired_ = _kor_mask64(unpaired_, block.unpaired()); }
  bool any_unpaired() const { return unpaired_ != 0; }
  bool any_nul() const { return _mm512_testn_epi8_mask(least_, least_) != 0; }

  void write(uint16_t* places, uint64_t word, unsigned count, size_t base) const {
    const __m512i bytes = _mm512_maskz_compress_epi8(word, counting_);
    const __m256i first = _mm256_add_epi16(_mm256_cvtepu8_epi16(_mm512_castsi512_si128(bytes)), base_);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(places), first);
    if (count > 16) [[unlikely]]
      write_rest(places, word, 16, count, base);
  }

 private:
  __m512i counting_ = _mm512_load_si512(counting.data());
  __m256i base_ = _mm256_setzero_si256();  // where the block is
  __m512i least_ = _mm512_set1_epi8('a');
  __mmask64 unpaired_ = 0;
};

class Plain512 {
 public:
  void start(size_t at) { base_ = _mm256_set1_epi16(static_cast<int16_t>(at - plain_step)); }

  [[gnu::always_inline]] void look(const char* p) {
    base_ = _mm256_add_epi16(base_, _mm256_set1_epi16(int16_t{plain_step}));
    __m512i octets = _mm512_loadu_si512(p);
    asm("" : "+v"(octets));  // one load for all uses
    least_ = _mm512_min_epu8(least_, octets);
    feeds_ = _cvtmask64_u64(_mm512_cmpeq_epi8_mask(octets, _mm512_set1_epi8('\n')));
    returns_ = _cvtmask64_u64(_mm512_cmpeq_epi8_mask(octets, _mm512_set1_epi8('\r')));
  }
  uint64_t feeds() const { return feeds_; }
  uint64_t returns() const { return returns_; }
  bool any_nul() const { return _mm512_testn_epi8_mask(least_, least_) != 0; }

  [[gnu::always_inline]] void write(uint16_t* places, uint64_t word, unsigned count, size_t base) const {
    const __m512i bytes = _mm512_maskz_compress_epi8(_cvtu64_mask64(word), counting_);
    const __m256i first = _mm256_add_epi16(_mm256_cvtepu8_epi16(_mm512_castsi512_si128(bytes)), base_);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(places), first);
    if (count > 16) [[unlikely]]
      write_rest(places, word, 16, count, base);
  }

 private:
  __m512i counting_ = _mm512_load_si512(counting.data());
  __m256i base_ = _mm256_setzero_si256();  // where the block is
  __m512i least_ = _mm512_set1_epi8('a');
  uint64_t feeds_ = 0, returns_ = 0;
};

}  // namespace

bool scan_plain_avx512(std::string_view text, Scan& scan) { return PlainLoop<Plain512>(text, scan).run(); }

void scan_avx512(std::string_view text, size_t from, Scan& scan) { ScanLoop<Avx512>(text, scan).run(from); }

}  // namespace viaduct::sip
