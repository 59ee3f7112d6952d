#include "proxy/own.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "sip/charset.h"

namespace viaduct::proxy {
namespace {

bool is_own_port(const View& view, uint16_t port) {
  return port == 0 || std::any_of(view.sockets.begin(), view.sockets.end(),
                                  [&](const Socket& socket) { return socket.address.port == port; });
}

}  // namespace

std::optional<net::IpAddress> literal_address(std::string_view bytes, const sip::Host& host) {
  if (host.kind != sip::HostKind::ipv4 && host.kind != sip::HostKind::ipv6) return std::nullopt;
  return net::parse_ip(bytes.substr(host.text.begin, host.text.size()));
}

std::optional<net::Endpoint> literal_endpoint(std::string_view bytes, const sip::Host& host) {
  const auto address = literal_address(bytes, host);
  if (!address) return std::nullopt;
  return net::Endpoint{*address, host.port != 0 ? host.port : sip::default_port};
}

sip::Slice without_brackets(std::string_view bytes, sip::Slice text) {
  const std::string_view all = bytes.substr(text.begin, text.size());
  if (!all.starts_with('[') || !all.ends_with(']')) return text;
  return {static_cast<uint16_t>(text.begin + 1), static_cast<uint16_t>(text.end - 1)};
}

bool is_text_of(const Socket& socket, std::string_view text) {
  if (text.size() != socket.text.size() || text.size() < 8) return false;
  const auto word_at = [](const char* at) {
    uint64_t word;
    std::memcpy(&word, at, sizeof word);
    return word;
  };
  const char* const own = socket.text.data();
  uint64_t difference = 0;
  for (size_t i = 0; i + 8 < text.size(); i += 8) difference |= word_at(own + i) ^ word_at(text.data() + i);
  return (difference | (word_at(own + text.size() - 8) ^ word_at(text.data() + text.size() - 8))) == 0;
}

Ours is_ours(const View& view, std::string_view bytes, const sip::Host& host) {
  if (host.kind != sip::HostKind::name) {
    const auto endpoint = literal_endpoint(bytes, host);
    if (!endpoint) return {};
    const uint16_t socket = find_socket(view, *endpoint);
    if (socket != none || view.alias_addresses.empty()) return {socket != none, socket};
    const auto& aliases = view.alias_addresses;
    const bool is_alias = std::find(aliases.begin(), aliases.end(), endpoint->address) != aliases.end();
    return {is_alias && is_own_port(view, host.port), none};
  }
  std::string_view name = bytes.substr(host.text.begin, host.text.size());
  if (name.ends_with('.')) name.remove_suffix(1);  // the root, which everybody leaves out
  const bool is_alias = std::any_of(view.aliases.begin(), view.aliases.end(),
                                    [&](const std::string& alias) { return sip::equals_ignoring_case(name, alias); });
  return {is_alias && is_own_port(view, host.port), none};
}

bool is_domain_of(const Listener& listener, std::string_view bytes, const sip::Host& host) {
  const LowerName name(bytes, host);
  return std::find(listener.domains.begin(), listener.domains.end(), name.text()) != listener.domains.end();
}

uint16_t find_socket(const View& view, const net::Endpoint& endpoint) {
  return view.socket_of.value_or(endpoint, none);
}

uint16_t find_backend(const View& view, const net::Endpoint& endpoint) {
  return view.backend_of.value_or(endpoint, none);
}

uint16_t sending_backend(const View& view, const net::Endpoint& source, uint16_t known, const Listener& listener) {
  if ((known & address_of_backend) == 0) return none;
  const uint16_t exact = find_backend(view, source);
  if (exact != none || listener.side == Side::outside) return exact;
  return view.backend_at.value_or(source.address, none);
}

bool is_no_hosts(const net::IpAddress& address) {
  if (!address.is_v4()) return address.is_unspecified() || address.is_multicast() || address.is_loopback();
  const uint8_t first = address.v4_bytes()[0];
  if (first != 0 && first != 127 && first < 0xe0) [[likely]]
    return false;
  return first < 0xf0 || address.is_broadcast();
}

bool is_unsendable(const net::Endpoint& endpoint) {
  return endpoint.port == 0 || is_no_hosts(endpoint.address) || endpoint.address.is_link_local();
}

void LowerName::put_name(std::string_view name) {
  constexpr size_t name_bytes_max = 255;  // RFC 1035 section 2.3.4
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.size() > name_bytes_max) return;
  for (const char c : name) text_[size_++] = sip::to_lower(c);
}

LowerName::LowerName(std::string_view name, uint16_t port) {
  put_name(name);
  if (port == 0 || size_ == 0) return;
  text_[size_++] = ':';
  size_ = static_cast<size_t>(std::to_chars(text_ + size_, text_ + sizeof text_, port).ptr - text_);
}

LowerName::LowerName(std::string_view bytes, const sip::Host& host) {
  if (const auto address = literal_address(bytes, host)) {
    size_ = net::format_ip(*address, text_);
  } else {
    put_name(bytes.substr(host.text.begin, host.text.size()));
  }
}

}  // namespace viaduct::proxy
