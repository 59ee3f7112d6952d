// The scan, octet by octet: the meaning of all other kernels.
#include "sip/charset.h"
#include "sip/scan.h"

namespace viaduct::sip {

void scan_scalar(std::string_view text, size_t from, Scan& scan) {
  scan.rows = 0;
  scan.ended = scan.bare = scan.nul = false;
  scan.headers_end = static_cast<uint32_t>(text.size());
  bool in_name = false;
  bool line_start = true;
  for (size_t i = from; i < text.size(); ++i) {
    const char c = text[i];
    const bool feed_follows = i + 1 < text.size() && text[i + 1] == '\n';
    if (line_start && (c == '\r' || c == '\n')) {
      scan.ended = true;
      scan.headers_end = static_cast<uint32_t>(i);
      scan.bare |= c == '\n' || !feed_follows;
      return;
    }
    if (line_start && c != ' ' && c != '\t') {
      if (scan.rows++ == Scan::rows_max) {
        scan.headers_end = static_cast<uint32_t>(i);
        scan.bare = scan.nul = false;
        return;
      }
      scan.marks[2 * scan.rows - 2] = static_cast<uint16_t>(i);
      scan.marks[2 * scan.rows - 1] = static_cast<uint16_t>(text.size());
      in_name = true;
    }
    if (in_name && !is(c, token_char)) {
      scan.marks[2 * scan.rows - 1] = static_cast<uint16_t>(i);
      in_name = false;
    }
    line_start = c == '\n';
    scan.nul |= c == '\0';
    scan.bare |= c == '\n' && (i == from || text[i - 1] != '\r');
    scan.bare |= c == '\r' && !feed_follows;
  }
}

}  // namespace viaduct::sip
