// The test bed of the rule book: one balancer with an outside and an inside, three backends, and the people who call.
//
//   outside   192.0.2.10:5060   [2001:db8::10]:5060   lb.example.com
//   inside    10.0.0.1:5060
//   backends  b0 10.0.1.1:5060   b1 10.0.1.2:5060   b2 10.0.1.3:5060
#pragma once

#include <string>
#include <string_view>

#include "proxy/view.h"

namespace viaduct::test {

inline net::Endpoint at(std::string_view text) { return *net::parse_endpoint(text); }

inline const net::Endpoint alice = at("198.51.100.7:5060");  // no NAT
inline const net::Endpoint nadia = at("203.0.113.9:40112");  // 192.168.1.7:5060 behind a NAT
inline const net::Endpoint bob = at("203.0.113.50:5060");
inline const net::Endpoint mallory = at("198.51.100.66:5060");
inline const net::Endpoint victim = at("203.0.113.200:5060");
inline const net::Endpoint alice6 = at("[2001:db8::9:1]:5060");
inline const net::Endpoint b0 = at("10.0.1.1:5060");
inline const net::Endpoint b1 = at("10.0.1.2:5060");
inline const net::Endpoint b2 = at("10.0.1.3:5060");

// Indexes into View::sockets.
inline constexpr uint16_t outside = 0;
inline constexpr uint16_t outside6 = 1;
inline constexpr uint16_t inside = 2;

// With this secret the calls of the rule book's flows get the backends they have there.
inline constexpr steer::Secret bed_secret = {6};

// Where the backends are in the network of the clients, the inside does not exist.
inline proxy::View bed_view(bool two_homed) {
  proxy::View view;
  view.keys = proxy::derive_keys(bed_secret);
  view.aliases = {"lb.example.com"};
  view.sockets = {{.address = at("192.0.2.10:5060"), .listener = 0},
                  {.address = at("[2001:db8::10]:5060"), .listener = 0}};
  proxy::Listener& outer = view.listeners.emplace_back();
  outer.name = "public";
  outer.pool = 0;
  outer.record_route = true;
  outer.domains = {"example.com"};
  if (two_homed) {
    view.sockets.push_back({.address = at("10.0.0.1:5060"), .listener = 1});
    proxy::Listener& inner = view.listeners.emplace_back();
    inner.name = "core";
    inner.side = proxy::Side::inside;
  }
  proxy::Pool& pool = view.pools.emplace_back();
  pool.name = "proxies";
  pool.backend_count = 3;
  for (const net::Endpoint& address : {b0, b1, b2}) {
    proxy::Backend& backend = view.backends.emplace_back();
    backend.name = "b" + std::to_string(view.backends.size() - 1);
    backend.address = address;
    backend.pool = 0;
  }
  view.policy.max_breadth = 0;  // the flows are shown without it; its own tests turn it on
  proxy::finish(view);
  return view;
}

}  // namespace viaduct::test
