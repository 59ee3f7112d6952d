#include "sip/header_name.h"

#include "sip/charset.h"

namespace viaduct::sip {
namespace {

Header compact(char letter) {
  switch (letter | 0x20) {
    case 'v':
      return Header::via;
    case 'f':
      return Header::from;
    case 't':
      return Header::to;
    case 'i':
      return Header::call_id;
    case 'l':
      return Header::content_length;
    case 'k':
      return Header::supported;
    case 'm':
      return Header::contact;
    default:
      return Header::other;
  }
}

Header pick(std::string_view name, std::string_view lower, Header header) {
  return equals_ignoring_case(name, lower) ? header : Header::other;
}

}  // namespace

// Length and at most one letter leave one candidate.
Header header_of(std::string_view name) {
  switch (name.size()) {
    case 1:
      return compact(name[0]);
    case 2:
      return pick(name, "to", Header::to);
    case 3:
      return pick(name, "via", Header::via);
    case 4:
      switch (name[0] | 0x20) {
        case 'f':
          return pick(name, "from", Header::from);
        case 'c':
          return pick(name, "cseq", Header::cseq);
        default:
          return pick(name, "path", Header::path);
      }
    case 5:
      return pick(name, "route", Header::route);
    case 7:
      switch (name[2] | 0x20) {
        case 'l':
          return pick(name, "call-id", Header::call_id);
        case 'n':
          return pick(name, "contact", Header::contact);
        default:
          return pick(name, "require", Header::require);
      }
    case 9:
      return pick(name, "supported", Header::supported);
    case 10:
      return pick(name, "user-agent", Header::user_agent);
    case 11:
      return pick(name, "max-breadth", Header::max_breadth);
    case 12:
      return (name[0] | 0x20) == 'm' ? pick(name, "max-forwards", Header::max_forwards)
                                     : pick(name, "record-route", Header::record_route);
    case 13:
      return pick(name, "proxy-require", Header::proxy_require);
    case 14:
      return pick(name, "content-length", Header::content_length);
    default:
      return Header::other;
  }
}

}  // namespace viaduct::sip
