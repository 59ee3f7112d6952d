// The scan, octet by octet: the meaning of all other kernels.
#include "sip/charset.h"
#include "sip/scan.h"

namespace viaduct::sip {

void scan_rows(std::string_view text, size_t from, Scan& scan) {
  scan.rows = 0;
  scan.ended = scan.bare = scan.nul = false;
  scan.headers_end = static_cast<uint32_t>(text.size());
  size_t i = from;
  bool in_name = false;
  for (bool line_start = true; i < text.size(); ++i) {
    const char c = text[i];
    if (line_start && (c == '\r' || c == '\n')) {
      scan.ended = true;
      scan.headers_end = static_cast<uint32_t>(i);
      if (c == '\n' || i + 1 == text.size() || text[i + 1] != '\n') scan.bare = true;
      return;
    }
    if (line_start && c != ' ' && c != '\t') {
      if (scan.rows == Scan::rows_max) {
        ++scan.rows;
        scan.headers_end = static_cast<uint32_t>(i);
        return;
      }
      scan.begin[scan.rows] = static_cast<uint16_t>(i);
      scan.name_end[scan.rows++] = static_cast<uint16_t>(text.size());
      in_name = true;
    }
    if (in_name && !is(c, token_char)) {
      scan.name_end[scan.rows - 1] = static_cast<uint16_t>(i);
      in_name = false;
    }
    line_start = c == '\n';
    if (c == '\0') scan.nul = true;
    if (c == '\n' && (i == from || text[i - 1] != '\r')) scan.bare = true;
    if (c == '\r' && (i + 1 == text.size() || text[i + 1] != '\n')) scan.bare = true;
  }
}

}  // namespace viaduct::sip
