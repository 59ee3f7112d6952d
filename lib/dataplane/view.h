// Everything a worker reads, immutable, published as one pointer.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "capture/taps.h"
#include "dataplane/overload.h"
#include "dataplane/watch.h"
#include "net/address.h"
#include "policy/ruleset.h"
#include "proxy/view.h"

namespace viaduct::dataplane {

// A port as the data path sees it.
struct PortView {
  net::Mac mac;
  uint16_t mtu = 1500;                 // of the IP packet
  bool ipv4_checksum_offload = false;  // the port writes it; else we do
  bool udp_checksum_offload = false;
  bool has_twin = false;  // frames that are not ours are the kernel's; else they are dropped
};

// Where frames for a destination go.
struct NextHop {
  uint16_t port = 0;
  net::Mac mac;
  bool resolved = false;      // mac is known
  uint16_t mtu = UINT16_MAX;  // Route::mtu
};

// One line of the routing table. Host bits of the prefix do not count: an interface address will do.
struct Route {
  static constexpr uint16_t nowhere = 0xffff;  // the kernel refuses to send there
  net::Prefix prefix;
  uint16_t port = 0;
  bool on_link = true;  // the destination itself is the neighbour; else `gateway` is
  net::IpAddress gateway;
  static constexpr uint16_t any_mtu = UINT16_MAX;
  uint16_t mtu = any_mtu;  // the largest IP packet that gets there, if that is less than the port takes
};

// Routes and neighbours of all ports: longest prefix first, then the neighbour's link address. Mirrored from the
// kernel, or as configured for ports without one. Of several routes to the same prefix the first one is taken whose
// gateway is known, and if none is, the first.
class Adjacency {
 public:
  struct Neighbor {
    uint16_t port;
    net::IpAddress address;
    net::Mac mac;
  };
  Adjacency() = default;
  // Thread: control. Allocates.
  Adjacency(std::vector<Route> routes, const std::vector<Neighbor>& neighbors);

  // The hop toward `destination`; `found` is false if there is no route. Thread: any; no allocation.
  struct Answer {
    bool found = false;
    NextHop hop;
    net::IpAddress neighbor;  // whom to ask for, if not resolved
  };
  Answer find(const net::IpAddress& destination) const;
  // Whether `destination` is reached by `port`, be it by one of several equal ways. Thread: any; no allocation.
  bool leads_by(uint16_t port, const net::IpAddress& destination) const;
  // Of a neighbour on a port, if it is known. Thread: any; no allocation.
  std::optional<net::Mac> link_address(uint16_t port, const net::IpAddress& neighbor) const;

 private:
  // Routes of one family and prefix length, a run of `routes_` sorted by address.
  struct Group {
    net::Words mask;
    uint32_t begin = 0;
    uint32_t end = 0;
  };
  struct Slot {
    net::Words address{};
    uint16_t port = no_port;
    net::Mac mac;
  };
  static constexpr uint16_t no_port = 0xffff;

  const Route* route_to(const net::IpAddress& destination) const;
  size_t slot_of(uint16_t port, const net::Words& address) const;
  void choose_ways();

  std::vector<net::Words> prefixes_;          // of `routes_`
  std::vector<Route> routes_;                 // by family, then descending prefix length, then address; masked
  std::array<std::vector<Group>, 2> groups_;  // by family; the longest prefixes first
  std::vector<Route> others_;                 // that are not taken, by other ports than what is taken to their prefix
  std::vector<Slot> slots_;                   // open addressing, a power of two, at most half full
};

enum class Affinity : uint8_t { transaction, queue };

struct View {
  uint64_t epoch = 0;  // counts publications
  std::shared_ptr<const proxy::View> proxy;
  std::shared_ptr<const policy::Ruleset> policy;  // null: no rules, no lists, no bans
  std::shared_ptr<const Overload> overload;       // null: nothing is ever too much
  std::shared_ptr<const Adjacency> adjacency;
  std::shared_ptr<const Peers> peers;         // null: sources have no names
  std::shared_ptr<const capture::Taps> taps;  // null: nobody captures
  std::vector<PortView> ports;
  Affinity affinity = Affinity::transaction;
};

}  // namespace viaduct::dataplane
