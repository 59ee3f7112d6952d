// Everything a worker reads, immutable, published as one pointer.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "net/address.h"
#include "proxy/view.h"

namespace viaduct::dataplane {

// A port as the data path sees it.
struct PortView {
  net::Mac mac;
  uint16_t mtu = 1500;       // of the IP packet
  bool ipv4_checksum_offload = false;  // the port writes it; else we do
  bool udp_checksum_offload = false;
  bool has_twin = false;     // frames that are not ours are the kernel's; else they are dropped
};

// Where frames for a destination go.
struct NextHop {
  uint16_t port = 0;
  net::Mac mac;
  bool resolved = false;  // mac is known
};

// Routes and neighbours of all ports: longest prefix first, then the neighbour's link address. Mirrored from the kernel,
// or as configured for ports without one.
struct Route {
  net::Prefix prefix;
  uint16_t port = 0;
  bool on_link = true;      // the destination itself is the neighbour; else `gateway` is
  net::IpAddress gateway;
};

class Adjacency {
 public:
  Adjacency() = default;
  struct Neighbor {
    uint16_t port;
    net::IpAddress address;
    net::Mac mac;
  };
  Adjacency(std::vector<Route> routes, const std::vector<Neighbor>& neighbors);

  // The hop toward `destination`, or nullptr-like: `found` false if no route. Thread: any; no allocation.
  struct Answer {
    bool found = false;
    NextHop hop;
    net::IpAddress neighbor;  // whom to ask for, if not resolved
  };
  Answer find(const net::IpAddress& destination) const;

 private:
  std::vector<Route> routes_;  // by descending prefix length, IPv4 and IPv6 apart
  struct Slot {
    net::IpAddress address;
    uint16_t port = 0xffff;
    net::Mac mac;
  };
  std::vector<Slot> slots_;  // open addressing, power of two, at most half full
};

enum class Affinity : uint8_t { transaction, queue };

struct View {
  uint64_t epoch = 0;  // counts publications
  std::shared_ptr<const proxy::View> proxy;
  std::shared_ptr<const Adjacency> adjacency;
  std::vector<PortView> ports;
  Affinity affinity = Affinity::transaction;
};

}  // namespace viaduct::dataplane
