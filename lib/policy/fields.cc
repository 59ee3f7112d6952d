#include "policy/fields.h"

#include <algorithm>
#include <cstring>

#include "sip/charset.h"

namespace viaduct::policy {
namespace {

using sip::Header;

struct Known {
  std::string_view name;
  char compact;  // 0: none
  Header header;
};

// Compact forms of the SIP registry at IANA (RFC 3261 section 7.3.3 and its successors).
constexpr Known known_headers[] = {
    {"via", 'v', Header::via},
    {"from", 'f', Header::from},
    {"to", 't', Header::to},
    {"call-id", 'i', Header::call_id},
    {"cseq", 0, Header::cseq},
    {"max-forwards", 0, Header::max_forwards},
    {"content-length", 'l', Header::content_length},
    {"route", 0, Header::route},
    {"record-route", 0, Header::record_route},
    {"path", 0, Header::path},
    {"require", 0, Header::require},
    {"proxy-require", 0, Header::proxy_require},
    {"supported", 'k', Header::supported},
    {"contact", 'm', Header::contact},
    {"user-agent", 0, Header::user_agent},
    {"content-type", 'c', Header::other},
    {"content-encoding", 'e', Header::other},
    {"subject", 's', Header::other},
    {"event", 'o', Header::other},
    {"allow-events", 'u', Header::other},
    {"refer-to", 'r', Header::other},
    {"referred-by", 'b', Header::other},
    {"session-expires", 'x', Header::other},
    {"identity", 'y', Header::other},
    {"accept-contact", 'a', Header::other},
    {"reject-contact", 'j', Header::other},
    {"request-disposition", 'd', Header::other},
};

}  // namespace

char compact_form_of(std::string_view name) {
  const auto* const found = std::find_if(std::begin(known_headers), std::end(known_headers),
                                         [&](const Known& known) { return known.name == name; });
  return found == std::end(known_headers) ? '\0' : found->compact;
}

std::optional<Field> Fields::number_of(std::string_view name) {
  Entry entry;
  entry.name = name;
  if (name == "request-uri") {
    entry.kind = Kind::request_uri;
  } else if (name == "headers") {
    entry.kind = Kind::section;
  } else {
    for (const Known& known : known_headers) {
      if (name != known.name && !(name.size() == 1 && name[0] == known.compact)) continue;
      entry.name = known.name;
      entry.compact = known.compact;
      entry.header = known.header;
      if (known.header != Header::other) entry.kind = Kind::kept;
    }
  }
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& other) { return other.name == entry.name; });
  if (found != entries_.end()) return static_cast<Field>(found - entries_.begin());
  if (entries_.size() == fields_max) return std::nullopt;
  if (entry.kind == Kind::named) named_ |= uint64_t{1} << entries_.size();
  entries_.push_back(std::move(entry));
  return static_cast<Field>(entries_.size() - 1);
}

// From the start line to the end of the headers, or of what there is of them.
sip::Slice Fields::section_of(const sip::Message& message) {
  const size_t size = std::min<size_t>(message.bytes.size(), UINT16_MAX);
  const uint16_t begin = message.start_line.begin;
  const auto end = message.headers_end > begin ? message.headers_end : static_cast<uint16_t>(size);
  return {begin, end};
}

bool Fields::next_row(const sip::Message& message, size_t& at, size_t end, RawRow& row) {
  const char* const text = message.bytes.data();
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (at < end) {
    const size_t begin = at;
    size_t line_end = begin;
    do {  // a line that begins with white space continues the one before it
      const void* const feed = std::memchr(text + line_end, '\n', end - line_end);
      line_end = feed == nullptr ? end : static_cast<size_t>(static_cast<const char*>(feed) - text) + 1;
    } while (line_end < end && (text[line_end] == ' ' || text[line_end] == '\t'));
    at = line_end;
    const void* const colon = std::memchr(text + begin, ':', line_end - begin);
    if (colon == nullptr) continue;
    size_t name_end = static_cast<size_t>(static_cast<const char*>(colon) - text);
    size_t value = name_end + 1, value_end = line_end;
    while (name_end > begin && is_blank(text[name_end - 1])) --name_end;
    while (value < value_end && is_blank(text[value])) ++value;
    while (value_end > value && is_blank(text[value_end - 1])) --value_end;
    row.name = {static_cast<uint16_t>(begin), static_cast<uint16_t>(name_end)};
    row.value = {static_cast<uint16_t>(value), static_cast<uint16_t>(value_end)};
    return true;
  }
  return false;
}

bool Fields::is_named(const Entry& entry, std::string_view name) const {
  if (name.size() == 1) return entry.compact != 0 && sip::to_lower(name[0]) == entry.compact;
  return name.size() == entry.name.size() && sip::equals_ignoring_case(name, entry.name);
}

}  // namespace viaduct::policy
