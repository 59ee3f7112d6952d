// The fields of a message that patterns are about, and whether headers are there.
//
// A field is the Request-URI, the whole header section with its start line, or the value of a header, one for each of
// its rows. Headers that the parser keeps (sip/message.h) are at hand; for others the header section is walked, which
// only messages at listeners with such rules pay for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/matcher.h"
#include "sip/header_names.h"
#include "sip/message.h"
#include "sip/raw_rows.h"

namespace viaduct::policy {

// The fields that a set of rules uses, numbered as they come.
class Fields {
 public:
  static constexpr size_t fields_max = 64;  // a set of them is one word

  // The number of a field: "request-uri", "headers", or a header's name in lower case or in its compact form.
  // Nothing: there are too many. Thread: control.
  std::optional<Field> number_of(std::string_view name);

  // Calls `each(Field, sip::Slice)` for every field of `message` among `wanted`, in no order. Thread: any; no
  // allocation.
  template <class Each>
  void walk(const sip::Message& message, uint64_t wanted, Each&& each) const;

  // Which of `wanted` are there.
  uint64_t present(const sip::Message& message, uint64_t wanted) const {
    uint64_t found = 0;
    walk(message, wanted, [&](Field field, sip::Slice) { found |= uint64_t{1} << field; });
    return found;
  }

 private:
  enum class Kind : uint8_t { request_uri, section, kept, named };
  struct Entry {
    Kind kind = Kind::named;
    sip::Header header = sip::Header::other;  // kept
    std::string name;                         // named: lower case
    char compact = 0;                         // named: its compact form, if it has one
  };

  static sip::Slice section_of(const sip::Message& message);

  std::vector<Entry> entries_;
  uint64_t named_ = 0;  // the fields for which the section is walked
};

template <class Each>
void Fields::walk(const sip::Message& message, uint64_t wanted, Each&& each) const {
  const sip::Slice section = section_of(message);
  for (size_t i = 0; i < entries_.size(); ++i) {
    if ((wanted >> i & 1) == 0) continue;
    const auto field = static_cast<Field>(i);
    const Entry& entry = entries_[i];
    if (entry.kind == Kind::request_uri) {
      if (!message.request_uri.text.empty()) each(field, message.request_uri.text);
    } else if (entry.kind == Kind::section) {
      each(field, section);
    } else if (entry.kind == Kind::kept) {
      const sip::Row* const first = message.row_of(entry.header);
      if (first == nullptr) continue;
      const sip::Row* const end = message.rows.data() + message.row_count;
      for (const sip::Row* row = first; row != end; ++row) {
        if (row->header == entry.header) each(field, row->value);
      }
    }
  }
  if ((wanted & named_) == 0) [[likely]]
    return;
  for (sip::RawRowWalk rows(message.bytes, message.first_row, section.end); rows.next();) {
    const std::string_view name = message.text(rows.row().name);
    for (size_t i = 0; i < entries_.size(); ++i) {
      const Entry& entry = entries_[i];
      if ((wanted & named_) >> i & 1 && sip::is_named(name, entry.name, entry.compact)) {
        each(static_cast<Field>(i), rows.row().value);
      }
    }
  }
}

}  // namespace viaduct::policy
