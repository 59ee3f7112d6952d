#include "proxy/strip.h"

#include <algorithm>

#include "sip/header_names.h"
#include "sip/raw_rows.h"

namespace viaduct::proxy {
namespace {

bool is_stripped(std::string_view name, const std::vector<StrippedHeader>& headers) {
  return std::any_of(headers.begin(), headers.end(),
                     [&](const StrippedHeader& header) { return sip::is_named(name, header.name, header.compact); });
}

}  // namespace

// Rows that follow each other go as one edit: a sender of a thousand of them gains nothing.
void strip_headers(const sip::Message& message, const std::vector<StrippedHeader>& headers, Edits& edits) {
  if (headers.empty()) return;
  sip::Slice removal;
  for (sip::RawRowWalk rows(message.bytes, message.first_row, message.headers_end); rows.next();) {
    const sip::RawRow& row = rows.row();
    if (!is_stripped(message.text(row.name), headers)) continue;
    if (removal.end != row.begin) {
      if (!removal.empty()) edits.remove(removal);
      removal.begin = row.begin;
    }
    removal.end = row.next;
  }
  if (!removal.empty()) edits.remove(removal);
}

}  // namespace viaduct::proxy
