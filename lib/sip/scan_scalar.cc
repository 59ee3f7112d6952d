// The scan, octet by octet: the meaning of all other kernels.
#include "sip/scan.h"

namespace viaduct::sip {

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

}  // namespace viaduct::sip
