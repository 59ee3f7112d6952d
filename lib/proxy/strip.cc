#include "proxy/strip.h"

#include <algorithm>
#include <cstring>

#include "sip/charset.h"

namespace viaduct::proxy {
namespace {

bool is_stripped(std::string_view name, const std::vector<StrippedHeader>& headers) {
  return std::any_of(headers.begin(), headers.end(), [&](const StrippedHeader& header) {
    if (name.size() == 1) return header.compact != 0 && sip::to_lower(name[0]) == header.compact;
    return sip::equals_ignoring_case(name, header.name);
  });
}

// The first octet behind the row at `at`, its continuation lines included.
size_t end_of_row(std::string_view bytes, size_t at, size_t end) {
  do {
    const void* const feed = std::memchr(bytes.data() + at, '\n', end - at);
    at = feed == nullptr ? end : static_cast<size_t>(static_cast<const char*>(feed) - bytes.data()) + 1;
  } while (at < end && (bytes[at] == ' ' || bytes[at] == '\t'));
  return at;
}

std::string_view name_of_row(std::string_view row) {
  row = row.substr(0, std::min(row.find(':'), row.size()));
  while (!row.empty() && (row.back() == ' ' || row.back() == '\t')) row.remove_suffix(1);
  return row;
}

}  // namespace

// Rows that follow each other go as one edit: a sender of a thousand of them gains nothing.
void strip_headers(const sip::Message& message, const std::vector<StrippedHeader>& headers, Edits& edits) {
  if (headers.empty()) return;
  const size_t end = message.headers_end;
  sip::Slice removal;
  for (size_t at = message.first_row; at < end;) {
    const size_t next = end_of_row(message.bytes, at, end);
    if (is_stripped(name_of_row(message.bytes.substr(at, next - at)), headers)) {
      if (removal.end != at) {
        if (!removal.empty()) edits.remove(removal);
        removal.begin = static_cast<uint16_t>(at);
      }
      removal.end = static_cast<uint16_t>(next);
    }
    at = next;
  }
  if (!removal.empty()) edits.remove(removal);
}

}  // namespace viaduct::proxy
