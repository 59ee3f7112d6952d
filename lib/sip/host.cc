#include "sip/host.h"

#include <algorithm>

namespace viaduct::sip {
namespace {

bool is_ipv4(std::string_view text) {
  unsigned parts = 0;
  size_t i = 0;
  while (true) {
    unsigned number = 0;
    size_t digits = 0;
    for (; i < text.size() && is(text[i], digit_char) && digits < 4; ++i, ++digits) {
      number = number * 10 + static_cast<unsigned>(text[i] - '0');
    }
    if (digits == 0 || digits > 3 || number > 255) return false;
    ++parts;
    if (i == text.size()) return parts == 4;
    if (text[i] != '.' || parts == 4) return false;
    ++i;
  }
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
