// What the kernel said about our interfaces, kept as tables.
//
// rtnetlink messages in, tables out; no sockets here, so that both the first dump and the later changes go through the
// same lines. Two things make the mirror honest. The kernel does not announce every consequence: IPv4 routes of an
// interface that goes down, or whose address is deleted, vanish without a word, and so do those of a nexthop object.
// And a route key may stand for several routes (`ip route append`, IPv6 siblings), of which a message names one.
// Wherever a message alone does not settle the new state, `take` asks for a resync: read everything again and compare.
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "control/kernel_twin.h"
#include "dataplane/view.h"
#include "net/address.h"

namespace viaduct::control {

class KernelTables {
 public:
  explicit KernelTables(std::vector<KernelTwin::Interface> interfaces) : interfaces_(std::move(interfaces)) {}

  enum class Effect : uint8_t { none, changed, resync };
  // A message of the link, address, route or neighbour family; others have no effect.
  Effect take(const nlmsghdr& message);

  std::vector<net::Prefix> addresses(uint16_t port) const;
  std::vector<dataplane::Route> routes() const;
  std::vector<dataplane::Adjacency::Neighbor> neighbors() const;

  // Of the interface behind `port`; 0: there is none now.
  uint32_t mtu(uint16_t port) const;
  // The kernel's index of the interface behind `port`; 0: there is none now.
  int index_of(uint16_t port) const;
  // KernelTwin's.
  uint64_t incarnation(uint16_t port) const;
  std::optional<net::Mac> mac(uint16_t port) const;

  // Neighbours whose entry has become stale since the last call: still usable, but nobody verifies them unless asked.
  std::vector<KernelTwin::Neighbor> take_stale() { return std::exchange(stale_, {}); }
  // Likewise those whose entry was deleted, whatever its state, or became invalid. Who was known is kept, and stays in
  // `neighbors` until it is found again or given up, or everything is read anew.
  std::vector<KernelTwin::Loss> take_losses() { return std::exchange(losses_, {}); }
  // True if `neighbors` had it and the kernel has not found it again.
  bool give_up(const KernelTwin::Neighbor& neighbor);

  // After a full read: takes over from the tables of before what the kernel cannot tell: whom it has lost meanwhile,
  // and what was deleted.
  void succeed(const KernelTables& before);

  // Alike as far as the data path is concerned.
  bool same_content(const KernelTables& other) const {
    return links_ == other.links_ && addresses_ == other.addresses_ && routes_ == other.routes_ &&
           neighbors_ == other.neighbors_;
  }

 private:
  struct Link {
    uint16_t port = 0;
    bool up = false, carrier = false;
    uint32_t mtu = 0;
    net::Mac mac;
    bool operator==(const Link&) const = default;
  };
  // Lower priority wins, so it orders the routes to one prefix.
  struct RouteKey {
    net::IpAddress destination;
    uint8_t length = 0;
    uint32_t priority = 0;
    auto operator<=>(const RouteKey&) const = default;
  };
  struct Hop {
    static constexpr int nowhere = 0;
    int interface = nowhere;
    bool on_link = true;
    net::IpAddress gateway;
    uint16_t mtu = dataplane::Route::any_mtu;
    bool operator==(const Hop&) const = default;
  };
  struct LinkAddress {
    net::Mac mac;
    bool lost = false;  // the kernel has it no more
    bool operator==(const LinkAddress&) const = default;
  };
  using Hops = std::vector<Hop>;  // of our interfaces, alive, in the kernel's order
  struct RouteMessage;

  Effect take_link(const nlmsghdr& message);
  Effect take_address(const nlmsghdr& message);
  Effect take_route(const nlmsghdr& message);
  Effect take_neighbor(const nlmsghdr& message);
  Effect add_route(const RouteMessage& route, uint16_t flags);
  Effect delete_route(const RouteMessage& route);
  bool read_route(const nlmsghdr& message, RouteMessage& route) const;
  void add_hop(int interface, unsigned flags, const nlattr* gateway, const nlattr* via, uint16_t mtu, Hops& hops) const;

  std::vector<KernelTwin::Interface> interfaces_;
  std::map<int, Link> links_;                // ours, by the kernel's index
  std::map<uint16_t, uint32_t> departures_;  // by port: how many of its interfaces were deleted
  std::set<std::pair<int, std::pair<net::IpAddress, uint8_t>>> addresses_;
  std::map<RouteKey, std::vector<Hops>> routes_;  // several under one key only after `append`
  std::map<std::pair<int, net::IpAddress>, LinkAddress> neighbors_;
  std::vector<KernelTwin::Neighbor> stale_;
  std::vector<KernelTwin::Loss> losses_;
};

}  // namespace viaduct::control
