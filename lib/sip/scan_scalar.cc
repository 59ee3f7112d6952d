// The scan, octet by octet: the meaning of all other kernels.
#include "sip/charset.h"
#include "sip/name_table.h"
#include "sip/scan.h"

namespace viaduct::sip {
namespace {

void find_rows(std::string_view text, size_t from, Scan& scan) {
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

Header header_of(std::string_view name) {
  if (name.empty()) return nameless_row;
  for (const detail::KnownName& known : detail::known_names) {
    if (equals_ignoring_case(name, known.name)) return known.header;
  }
  return Header::other;
}

}  // namespace

void scan_scalar(std::string_view text, size_t from, Scan& scan, Row* rows) {
  find_rows(text, from, scan);
  scan.found = 0;
  for (size_t i = 1; i < scan.rows && i < Scan::rows_max; ++i) {
    const uint16_t begin = scan.begin[i], next = scan.begin[i + 1];
    uint16_t name_end = begin;
    while (name_end != next && is(text[name_end], token_char)) ++name_end;
    auto kind = static_cast<uint8_t>(header_of(text.substr(begin, name_end - begin)));
    if (name_end == next || text[name_end] != ':') kind |= unusual_row;
    if (kind != 0) rows[scan.found++] = {begin, {name_end, name_end}, next, static_cast<Header>(kind)};
  }
}

}  // namespace viaduct::sip
