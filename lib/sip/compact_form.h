// Compact forms of header names: the SIP registry at IANA (RFC 3261 section 7.3.3 and its successors).
#pragma once

#include <string_view>

namespace viaduct::sip {

struct CompactForm {
  char compact;
  std::string_view name;  // lower case
};

inline constexpr CompactForm compact_forms[] = {
    {'v', "via"},
    {'f', "from"},
    {'t', "to"},
    {'i', "call-id"},
    {'l', "content-length"},
    {'k', "supported"},
    {'m', "contact"},
    {'c', "content-type"},
    {'e', "content-encoding"},
    {'s', "subject"},
    {'o', "event"},
    {'u', "allow-events"},
    {'r', "refer-to"},
    {'b', "referred-by"},
    {'x', "session-expires"},
    {'y', "identity"},
    {'a', "accept-contact"},
    {'j', "reject-contact"},
    {'d', "request-disposition"},
};

// Of a name in lower case; 0: it has none.
constexpr char compact_form_of(std::string_view name) {
  for (const CompactForm& known : compact_forms) {
    if (known.name == name) return known.compact;
  }
  return 0;
}

// The name for which a compact form stands; every other name is one itself. In lower case.
constexpr std::string_view full_name_of(std::string_view name) {
  for (const CompactForm& known : compact_forms) {
    if (name.size() == 1 && name.front() == known.compact) return known.name;
  }
  return name;
}

}  // namespace viaduct::sip
