#include "policy/fields.h"

#include <algorithm>

namespace viaduct::policy {

std::optional<Field> Fields::number_of(std::string_view name) {
  Entry entry;
  entry.name = name;
  if (name == "request-uri") {
    entry.kind = Kind::request_uri;
  } else if (name == "headers") {
    entry.kind = Kind::section;
  } else {
    for (const sip::HeaderName& known : sip::header_names) {
      if (name != known.name && !(name.size() == 1 && name[0] == known.compact)) continue;
      entry.name = known.name;
      entry.compact = known.compact;
      entry.header = known.header;
      if (known.header != sip::Header::other) entry.kind = Kind::kept;
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

}  // namespace viaduct::policy
