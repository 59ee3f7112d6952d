// What is ours: the addresses and names that mean this balancer in Route, Request-URI and Via (RFC 3261 section 16.4).
//
// The set is the cluster's, not the node's (RTE-12): addresses are compared in binary, names without regard to letter
// case, an absent port is 5060.
#pragma once

#include <optional>
#include <string_view>

#include "proxy/view.h"
#include "sip/message.h"

namespace viaduct::proxy {

struct Ours {
  bool yes = false;
  uint16_t socket = none;  // which one, if an address said so and not a name
  explicit operator bool() const { return yes; }
};

Ours is_ours(const View& view, std::string_view bytes, const sip::Host& host);

// The same for a sent-by in full that is written as we write it: most of those that we see are our own words.
bool is_text_of(const Socket& socket, std::string_view text);

// Whether a host is a domain that `listener` serves: a name, or an address by its value (RFC 5954 section 4).
bool is_domain_of(const Listener& listener, std::string_view bytes, const sip::Host& host);

// The address a host is written as; as an endpoint, with port 5060 if absent. Nothing for names, and for IPv6 text no
// address can be read from.
std::optional<net::IpAddress> literal_address(std::string_view bytes, const sip::Host& host);
std::optional<net::Endpoint> literal_endpoint(std::string_view bytes, const sip::Host& host);

// The text of an IPv6 reference without its brackets; of everything else all of it.
sip::Slice without_brackets(std::string_view bytes, sip::Slice text);

uint16_t find_socket(const View& view, const net::Endpoint& endpoint);   // `none` if not ours
uint16_t find_backend(const View& view, const net::Endpoint& endpoint);  // `none` if nobody's

// The backend that sent what came from `source` to `listener`, or `none`: on the inside known by its address (LBG-13);
// where inside and outside are one network, by address and port. `known`: View::known_at of the source's address.
uint16_t sending_backend(const View& view, const net::Endpoint& source, uint16_t known, const Listener& listener);

// Unspecified, multicast, broadcast, loopback (RSP-13).
bool is_no_hosts(const net::IpAddress& address);

// Where nobody may be sent to: multicast, broadcast, unspecified, loopback, link-local, port 0 (TGT-12).
bool is_unsendable(const net::Endpoint& endpoint);

// A host name in lower case, without the dot at its end, and with `:port` where one is named: for look-ups. RFC 3263
// section 4.2 asks different questions for a name with a port and for one without. Empty if it is longer than DNS
// allows.
class LowerName {
 public:
  explicit LowerName(std::string_view name, uint16_t port = 0);
  // A host without its port, as the configuration has it: an address in its canonical text (RFC 5954 section 4).
  LowerName(std::string_view bytes, const sip::Host& host);
  std::string_view text() const { return {text_, size_}; }

 private:
  void put_name(std::string_view name);

  char text_[255 + 6];
  size_t size_ = 0;
};

}  // namespace viaduct::proxy
