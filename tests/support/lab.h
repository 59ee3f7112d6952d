// A small network around a balancer, as a View.
//
//   clients ── gateway ──(port 0, edge)── balancer ──(port 1, core)── p1 p2 p3
//              192.0.2.1      192.0.2.10:5060 | 10.0.0.1:5060         10.0.1.1 .. 3
//              2001:db8::1  [2001:db8::10]:5060 | [fd00::1]:5060      or fd00::1:1 .. 3
//
// Without the inside (`two_sided` off) the backends are on the edge as well, and answers come back to the outer
// sockets.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/view.h"
#include "proxy/view.h"
#include "support/packet_builder.h"

namespace viaduct::test {

struct LabOptions {
  bool two_sided = true;
  bool backends_v6 = false;
  bool record_route = false;
  bool twin = false;
  bool udp_offload = false, ipv4_offload = false;
  uint16_t edge_mtu = 1500, core_mtu = 9000;
  uint16_t backends_mtu = dataplane::Route::any_mtu;  // of the routes to them
  size_t backend_count = 3;
  bool neighbors_known = true;
  bool default_routes = false;  // to the gateway: whoever is asked for can be reached
  dataplane::Affinity affinity = dataplane::Affinity::transaction;
};

inline const net::Mac edge_mac = mac("02:00:00:00:01:00"), core_mac = mac("02:00:00:00:02:00");
inline const net::Mac gateway_mac = mac("02:00:00:00:01:01"), inside_router_mac = mac("02:00:00:00:02:01");

inline std::string backend_address(size_t index, bool v6) {
  return v6 ? "[fd00::1:" + std::to_string(index + 1) + "]:5060" : "10.0.1." + std::to_string(index + 1) + ":5060";
}
inline net::Mac backend_mac(size_t index) { return {{2, 0, 0, 0, 3, static_cast<uint8_t>(index + 1)}}; }

inline std::shared_ptr<const proxy::View> lab_proxy(const LabOptions& options) {
  auto view = std::make_shared<proxy::View>();
  view->keys = proxy::derive_keys(steer::Secret{1, 2, 3, 4, 5, 6, 7, 8});
  const auto add_listener = [&](std::string name, proxy::Side side, std::vector<std::string_view> addresses) {
    const auto index = static_cast<uint16_t>(view->listeners.size());
    for (const std::string_view address : addresses) {
      proxy::Socket& socket = view->sockets.emplace_back();
      socket.address = endpoint(address);
      socket.listener = index;
    }
    proxy::Listener& listener = view->listeners.emplace_back();
    listener.name = std::move(name);
    listener.side = side;
    listener.pool = 0;
    listener.record_route = options.record_route;
  };
  add_listener("public", proxy::Side::outside, {"192.0.2.10:5060", "[2001:db8::10]:5060"});
  if (options.two_sided) add_listener("inside", proxy::Side::inside, {"10.0.0.1:5060", "[fd00::1]:5060"});
  proxy::Pool& pool = view->pools.emplace_back();
  pool.name = "proxies";
  pool.backend_count = static_cast<uint16_t>(options.backend_count);
  for (size_t i = 0; i < options.backend_count; ++i) {
    proxy::Backend& backend = view->backends.emplace_back();
    backend.name = "p" + std::to_string(i + 1);
    backend.address = endpoint(backend_address(i, options.backends_v6));
    backend.pool = 0;
  }
  proxy::finish(*view);
  return view;
}

inline std::shared_ptr<const dataplane::Adjacency> lab_adjacency(const LabOptions& options) {
  const uint16_t core = options.two_sided ? 1 : 0;
  const auto prefix = [](std::string_view text) { return *net::parse_prefix(text); };
  std::vector<dataplane::Route> routes = {
      {.prefix = prefix("192.0.2.10/24"), .port = 0, .on_link = true, .gateway = {}},
      {.prefix = prefix("198.51.100.0/24"), .port = 0, .on_link = false, .gateway = ip("192.0.2.1")},
      {.prefix = prefix("2001:db8::10/64"), .port = 0, .on_link = true, .gateway = {}},
      {.prefix = prefix("2001:db8:2::/48"), .port = 0, .on_link = false, .gateway = ip("fe80::1")},
      {.prefix = prefix("10.0.0.1/16"), .port = core, .on_link = true, .gateway = {}, .mtu = options.backends_mtu},
      {.prefix = prefix("fd00::/64"), .port = core, .on_link = true, .gateway = {}, .mtu = options.backends_mtu},
  };
  if (options.default_routes) {
    routes.push_back({.prefix = prefix("0.0.0.0/0"), .port = 0, .on_link = false, .gateway = ip("192.0.2.1")});
    routes.push_back({.prefix = prefix("::/0"), .port = 0, .on_link = false, .gateway = ip("fe80::1")});
  }
  std::vector<dataplane::Adjacency::Neighbor> neighbors;
  if (options.neighbors_known) {
    neighbors.push_back({0, ip("192.0.2.1"), gateway_mac});
    neighbors.push_back({0, ip("fe80::1"), gateway_mac});
    for (size_t i = 0; i < options.backend_count; ++i) {
      neighbors.push_back({core, endpoint(backend_address(i, false)).address, backend_mac(i)});
      neighbors.push_back({core, endpoint(backend_address(i, true)).address, backend_mac(i)});
    }
  }
  return std::make_shared<dataplane::Adjacency>(std::move(routes), neighbors);
}

inline dataplane::View lab_view(const LabOptions& options = {}) {
  dataplane::View view;
  view.proxy = lab_proxy(options);
  view.adjacency = lab_adjacency(options);
  view.affinity = options.affinity;
  const auto port = [&](const net::Mac& mac, uint16_t mtu) {
    return dataplane::PortView{.mac = mac,
                               .mtu = mtu,
                               .ipv4_checksum_offload = options.ipv4_offload,
                               .udp_checksum_offload = options.udp_offload,
                               .has_twin = options.twin};
  };
  view.ports = {port(edge_mac, options.edge_mtu), port(core_mac, options.core_mtu)};
  return view;
}

// A datagram as the wire brings it to the port it is for.
inline Bytes from_outside(std::string_view source, std::string_view text, std::string_view to = "192.0.2.10:5060") {
  return packet().ethernet(gateway_mac, edge_mac).between(source, to).payload(text).frame();
}
inline Bytes from_inside(std::string_view source, std::string_view text, std::string_view to = "10.0.0.1:5060") {
  return packet().ethernet(inside_router_mac, core_mac).between(source, to).payload(text).frame();
}

}  // namespace viaduct::test
