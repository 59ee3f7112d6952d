// The names of headers, with the letters that may stand for them: the SIP registry at IANA (RFC 3261 section 7.3.3 and
// its successors).
#pragma once

#include <array>
#include <string_view>

#include "sip/charset.h"
#include "sip/message.h"

namespace viaduct::sip {

struct HeaderName {
  std::string_view name;  // in lower case
  char compact;           // 0: none
  Header header;          // `other`: its rows are not kept
};

// Every header whose rows are kept, and every other that has a compact form.
inline constexpr std::array header_names{
    HeaderName{"via", 'v', Header::via},
    HeaderName{"from", 'f', Header::from},
    HeaderName{"to", 't', Header::to},
    HeaderName{"call-id", 'i', Header::call_id},
    HeaderName{"cseq", 0, Header::cseq},
    HeaderName{"max-forwards", 0, Header::max_forwards},
    HeaderName{"max-breadth", 0, Header::max_breadth},
    HeaderName{"content-length", 'l', Header::content_length},
    HeaderName{"route", 0, Header::route},
    HeaderName{"record-route", 0, Header::record_route},
    HeaderName{"path", 0, Header::path},
    HeaderName{"proxy-require", 0, Header::proxy_require},
    HeaderName{"require", 0, Header::require},
    HeaderName{"supported", 'k', Header::supported},
    HeaderName{"contact", 'm', Header::contact},
    HeaderName{"user-agent", 0, Header::user_agent},
    HeaderName{"content-type", 'c', Header::other},
    HeaderName{"content-encoding", 'e', Header::other},
    HeaderName{"subject", 's', Header::other},
    HeaderName{"event", 'o', Header::other},
    HeaderName{"allow-events", 'u', Header::other},
    HeaderName{"refer-to", 'r', Header::other},
    HeaderName{"referred-by", 'b', Header::other},
    HeaderName{"session-expires", 'x', Header::other},
    HeaderName{"identity", 'y', Header::other},
    HeaderName{"accept-contact", 'a', Header::other},
    HeaderName{"reject-contact", 'j', Header::other},
    HeaderName{"request-disposition", 'd', Header::other},
};

// The letter that may stand for a header, by its name in lower case; 0: none.
constexpr char compact_form_of(std::string_view name) {
  for (const HeaderName& known : header_names) {
    if (known.name == name) return known.compact;
  }
  return 0;
}

// The name for which a compact form stands; every other name is one itself. In lower case.
constexpr std::string_view full_name_of(std::string_view name) {
  for (const HeaderName& known : header_names) {
    if (name.size() == 1 && name.front() == known.compact) return known.name;
  }
  return name;
}

// Whether `text`, the name of a row, is that of the header called `name` in lower case, or its compact form.
constexpr bool is_named(std::string_view text, std::string_view name, char compact) {
  if (text.size() == 1) return compact != 0 && to_lower(text[0]) == compact;
  return equals_ignoring_case(text, name);
}

}  // namespace viaduct::sip
