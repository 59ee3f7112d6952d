#include "proxy/own_value.h"

#include <algorithm>

namespace viaduct::proxy {
namespace {

constexpr std::string_view value_head = "<sip:";
constexpr std::string_view cookie_name = ";vd=";

}  // namespace

// A token and a cookie are known by their sizes and read at once: being digits throughout they hold nothing that would
// end a URI.
bool read_own_value(std::string_view bytes, sip::Slice values, const View& view, OwnValue& value) {
  const std::string_view all = bytes.substr(values.begin, values.size());
  if (!all.starts_with(value_head)) return false;
  size_t at = value_head.size();
  const auto slice = [&](size_t size) {
    const auto begin = static_cast<uint16_t>(values.begin + at);
    return sip::Slice{begin, static_cast<uint16_t>(begin + size)};
  };
  value.user = value.vd = {};
  for (const size_t size : {flow_token_v4_size, flow_token_v6_size}) {
    if (all.size() <= at + size || all[at + size] != '@') continue;
    if (!read_flow_token(all.substr(at, size), value.flow)) return false;
    value.user = slice(size);
    at += size + 1;
    break;
  }
  const std::string_view from_address = all.substr(at);
  const auto named = std::find_if(view.sockets.begin(), view.sockets.end(),
                                  [&](const Socket& socket) { return from_address.starts_with(socket.uri.view()); });
  if (named == view.sockets.end()) return false;
  value.socket = static_cast<uint16_t>(named - view.sockets.begin());
  at += named->uri.view().size();
  if (all.substr(at).starts_with(cookie_name) && all.size() > at + cookie_name.size() + cookie_size) {
    at += cookie_name.size();
    if (!read_cookie(all.substr(at, cookie_size), value.cookie)) return false;
    value.vd = slice(cookie_size);
    at += cookie_size;
  }
  if (at == all.size() || all[at] != '>') return false;
  ++at;
  if (at != all.size() && all[at] != ',') return false;
  value.text = {values.begin, static_cast<uint16_t>(values.begin + at)};
  return true;
}

}  // namespace viaduct::proxy
