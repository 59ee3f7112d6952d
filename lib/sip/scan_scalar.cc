// The scan, octet by octet: the meaning of all other kernels.
#include <cstring>

#include "sip/plain_loop.h"

namespace viaduct::sip {
namespace {

// The vector of the CPU without any: eight octets a word.
class Words {
 public:
  void start(size_t) {}

  void look(const char* p) {
    feeds_ = returns_ = 0;
    for (unsigned i = 0; i < 8; ++i) {
      uint64_t octets = 0;
      memcpy(&octets, p + 8 * i, 8);
      nuls_ |= zeros(octets);
      feeds_ |= bits(zeros(octets ^ ones * '\n')) << (8 * i);
      returns_ |= bits(zeros(octets ^ ones * '\r')) << (8 * i);
    }
  }
  uint64_t feeds() const { return feeds_; }
  uint64_t returns() const { return returns_; }
  bool any_nul() const { return nuls_ != 0; }

  static void write(uint16_t* places, uint64_t word, unsigned count, size_t base) {
    write_places(places, word, count, base);
  }

 private:
  static constexpr uint64_t ones = 0x0101010101010101;
  static constexpr uint64_t lows = 0x7f * ones;

  // The highest bit of each octet that is 0.
  static uint64_t zeros(uint64_t octets) { return ~(((octets & lows) + lows) | octets | lows); }
  // The highest bits of the octets, side by side.
  static uint64_t bits(uint64_t octets) { return (octets >> 7) * 0x0102040810204080 >> 56; }

  uint64_t feeds_ = 0, returns_ = 0, nuls_ = 0;
};

}  // namespace

void scan_scalar(std::string_view text, size_t from, Scan& scan) {
  scan.rows = 1;
  scan.begin[0] = static_cast<uint16_t>(from);
  scan.ended = scan.bare = scan.nul = false;
  scan.headers_end = static_cast<uint32_t>(text.size());
  for (size_t i = from; i < text.size(); ++i) {
    const char c = text[i];
    const bool line_start = i > from && text[i - 1] == '\n';
    const bool feed_follows = i + 1 < text.size() && text[i + 1] == '\n';
    if (line_start && (c == '\r' || c == '\n')) {
      scan.ended = true;
      scan.bare |= c == '\n' || !feed_follows;
      scan.headers_end = static_cast<uint32_t>(i);
      break;
    }
    if (line_start && c != ' ' && c != '\t') {
      if (scan.rows++ == Scan::rows_max) {
        scan.bare = scan.nul = false;
        scan.headers_end = static_cast<uint32_t>(i);
        scan.begin[Scan::rows_max] = static_cast<uint16_t>(i);
        return;
      }
      scan.begin[scan.rows - 1] = static_cast<uint16_t>(i);
    }
    scan.nul |= c == '\0';
    scan.bare |= c == '\n' && (i == from || text[i - 1] != '\r');
    scan.bare |= c == '\r' && !feed_follows;
  }
  scan.begin[scan.rows] = static_cast<uint16_t>(scan.headers_end);
}

bool scan_plain_scalar(std::string_view text, Scan& scan) { return PlainLoop<Words>(text, scan).run(); }

}  // namespace viaduct::sip
