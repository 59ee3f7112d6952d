#include "policy/fields.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "sip/charset.h"
#include "sip/compact_form.h"

namespace viaduct::policy {
namespace {

using sip::Header;

// Those that a parse keeps.
constexpr std::pair<std::string_view, Header> kept_headers[] = {
    {"via", Header::via},
    {"from", Header::from},
    {"to", Header::to},
    {"call-id", Header::call_id},
    {"cseq", Header::cseq},
    {"max-forwards", Header::max_forwards},
    {"content-length", Header::content_length},
    {"route", Header::route},
    {"record-route", Header::record_route},
    {"path", Header::path},
    {"require", Header::require},
    {"proxy-require", Header::proxy_require},
    {"supported", Header::supported},
    {"contact", Header::contact},
    {"user-agent", Header::user_agent},
};

}  // namespace

std::optional<Field> Fields::number_of(std::string_view name) {
  Entry entry;
  entry.name = name;
  if (name == "request-uri") {
    entry.kind = Kind::request_uri;
  } else if (name == "headers") {
    entry.kind = Kind::section;
  } else {
    entry.name = sip::full_name_of(name);
    entry.compact = sip::compact_form_of(entry.name);
    for (const auto& [kept, header] : kept_headers) {
      if (entry.name != kept) continue;
      entry.header = header;
      entry.kind = Kind::kept;
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
