// The scan with SSE4.2: four vectors a block.
#include <immintrin.h>

#include "sip/plain_loop.h"
#include "sip/scan_loop.h"

namespace viaduct::sip {
namespace {

class Sse42 {
 public:
  class Block {
   public:
    explicit Block(const char* p) {
      for (int i = 0; i < 4; ++i) {
        const __m128i octets = load(p + 16 * i);
        starts_[i] = equal(load(p + 16 * i - 1), '\n');
        unpaired_[i] = _mm_xor_si128(starts_[i], equal(load(p + 16 * i - 2), '\r'));
        odd_[i] = _mm_and_si128(starts_[i], _mm_cmpeq_epi8(_mm_min_epu8(octets, _mm_set1_epi8(' ')), octets));
        least_ = _mm_min_epu8(least_, octets);
      }
    }
    uint64_t starts() const { return bits(starts_); }
    bool any_odd() const {
      const __m128i odd = any(odd_);
      return !_mm_testz_si128(odd, odd);
    }
    uint64_t odd() const { return bits(odd_); }
    uint64_t unpaired() const { return bits(unpaired_); }
    __m128i any_unpaired() const { return any(unpaired_); }
    __m128i least() const { return least_; }

   private:
    static __m128i load(const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
    static __m128i equal(__m128i octets, char c) { return _mm_cmpeq_epi8(octets, _mm_set1_epi8(c)); }
    static __m128i any(const __m128i (&parts)[4]) {
      return _mm_or_si128(_mm_or_si128(parts[0], parts[1]), _mm_or_si128(parts[2], parts[3]));
    }
    static uint64_t bits(const __m128i (&parts)[4]) {
      uint64_t word = 0;
      for (int i = 0; i < 4; ++i) {
        word |= uint64_t{static_cast<uint16_t>(_mm_movemask_epi8(parts[i]))} << (16 * i);
      }
      return word;
    }

    __m128i starts_[4], odd_[4], unpaired_[4];
    __m128i least_ = _mm_set1_epi8('a');
  };

  void start(size_t) {}

  Block look(const char* p) {
    const Block block(p);
    least_ = _mm_min_epu8(least_, block.least());
    return block;
  }

  void keep(const Block& block) { unpaired_ = _mm_or_si128(unpaired_, block.any_unpaired()); }
  bool any_unpaired() const { return !_mm_testz_si128(unpaired_, unpaired_); }
  bool any_nul() const { return _mm_movemask_epi8(_mm_cmpeq_epi8(least_, _mm_setzero_si128())) != 0; }

  static void write(uint16_t* places, uint64_t word, unsigned count, size_t base) {
    write_places(places, word, count, base);
  }

 private:
  __m128i least_ = _mm_set1_epi8('a');
  __m128i unpaired_ = _mm_setzero_si128();
};

class Plain42 {
 public:
  void start(size_t) {}

  [[gnu::always_inline]] void look(const char* p) {
    feeds_ = returns_ = 0;
    for (int i = 0; i < 4; ++i) {
      const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 * i));
      least_ = _mm_min_epu8(least_, octets);
      feeds_ |= bits(octets, '\n') << (16 * i);
      returns_ |= bits(octets, '\r') << (16 * i);
    }
  }
  uint64_t feeds() const { return feeds_; }
  uint64_t returns() const { return returns_; }
  bool any_nul() const { return _mm_movemask_epi8(_mm_cmpeq_epi8(least_, _mm_setzero_si128())) != 0; }

  [[gnu::always_inline]] static void write(uint16_t* places, uint64_t word, unsigned count, size_t base) {
    write_places(places, word, count, base);
  }

 private:
  [[gnu::always_inline]] static uint64_t bits(__m128i octets, char c) {
    return static_cast<uint16_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(octets, _mm_set1_epi8(c))));
  }

  __m128i least_ = _mm_set1_epi8('a');
  uint64_t feeds_ = 0, returns_ = 0;
};

}  // namespace

bool scan_plain_sse42(std::string_view text, Scan& scan) { return PlainLoop<Plain42>(text, scan).run(); }

void scan_sse42(std::string_view text, size_t from, Scan& scan) { ScanLoop<Sse42>(text, scan).run(from); }

}  // namespace viaduct::sip
