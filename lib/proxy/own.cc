#include "proxy/own.h"

#include <charconv>
#include <algorithm>

#include "sip/charset.h"

namespace viaduct::proxy {
namespace {

bool is_own_port(const View& view, uint16_t port) {
  return port == 0 || std::any_of(view.sockets.begin(), view.sockets.end(),
                                  [&](const Socket& socket) { return socket.address.port == port; });
}

}  // namespace

std::optional<net::Endpoint> literal_endpoint(std::string_view bytes, const sip::Host& host) {
  if (host.kind != sip::HostKind::ipv4 && host.kind != sip::HostKind::ipv6) return std::nullopt;
  const auto address = net::parse_ip(bytes.substr(host.text.begin, host.text.size()));
  if (!address) return std::nullopt;
  return net::Endpoint{*address, host.port != 0 ? host.port : sip::default_port};
}

Ours is_ours(const View& view, std::string_view bytes, const sip::Host& host) {
  if (host.kind != sip::HostKind::name) {
    const auto endpoint = literal_endpoint(bytes, host);
    if (!endpoint) return {};
    const uint16_t socket = find_socket(view, *endpoint);
    return {socket != none, socket};
  }
  const std::string_view name = bytes.substr(host.text.begin, host.text.size());
  const bool is_alias = std::any_of(view.aliases.begin(), view.aliases.end(),
                                    [&](const std::string& alias) { return sip::equals_ignoring_case(name, alias); });
  return {is_alias && is_own_port(view, host.port), none};
}

uint16_t find_socket(const View& view, const net::Endpoint& endpoint) {
  return view.socket_of.value_or(endpoint, none);
}

uint16_t find_backend(const View& view, const net::Endpoint& endpoint) {
  return view.backend_of.value_or(endpoint, none);
}

bool is_unsendable(const net::Endpoint& endpoint) {
  const net::IpAddress& address = endpoint.address;
  return endpoint.port == 0 || address.is_unspecified() || address.is_multicast() || address.is_broadcast() ||
         address.is_loopback() || address.is_link_local();
}

LowerName::LowerName(std::string_view name, uint16_t port) {
  constexpr size_t name_bytes_max = 255;  // RFC 1035 section 2.3.4
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.size() > name_bytes_max) return;
  for (const char c : name) text_[size_++] = sip::to_lower(c);
  if (port == 0) return;
  text_[size_++] = ':';
  size_ = static_cast<size_t>(std::to_chars(text_ + size_, text_ + sizeof text_, port).ptr - text_);
}

}  // namespace viaduct::proxy
