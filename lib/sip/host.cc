#include "sip/host.h"

#include <algorithm>

namespace viaduct::sip {
namespace {

// IPv4address = 1*3DIGIT "." 1*3DIGIT "." 1*3DIGIT "." 1*3DIGIT
bool is_ipv4(std::string_view text) {
  if (!is(text.back(), digit_char)) return false;  // nearly all names
  size_t dots = 0, digits = 0;
  for (char c : text) {
    if (is(c, digit_char)) {
      if (++digits > 3) return false;
    } else {
      if (c != '.' || digits == 0) return false;
      ++dots;
      digits = 0;
    }
  }
  return dots == 3;
}

}  // namespace

bool read_host(Cursor& in, Host& host) {
  if (in.eat('[')) {
    host.text = in.run<ipv6_char>();
    host.kind = HostKind::ipv6;
    const std::string_view text = in.text(host.text);
    return std::count(text.begin(), text.end(), ':') >= 2 && in.eat(']');
  }
  host.text = in.run<host_name_char>();
  if (host.text.empty()) return false;
  host.kind = is_ipv4(in.text(host.text)) ? HostKind::ipv4 : HostKind::name;
  return true;
}

}  // namespace viaduct::sip
