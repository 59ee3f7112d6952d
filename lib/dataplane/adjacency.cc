// Longest prefix match over few lengths.
//
// A host's routing table has few distinct prefix lengths, whatever its size: the routes of one length form a group,
// sorted by address, and a lookup is one binary search in each group from the longest down. With the handful of routes
// of an ordinary server that is two or three compares; with a full table from a BGP daemon it is still some 24 searches
// instead of a million compares, without a trie to maintain, for the whole is rebuilt when the kernel reports a change.
#include <algorithm>
#include <bit>
#include <iterator>
#include <tuple>

#include "dataplane/view.h"

namespace viaduct::dataplane {
namespace {

using net::Words;
using net::words_of;

size_t index_of(net::Family family) { return static_cast<size_t>(family); }

bool comes_before(const Route& left, const Route& right) {
  const auto key = [](const Route& route) {
    return std::tuple(route.prefix.address.family(), -int{route.prefix.length}, route.prefix.address);
  };
  return key(left) < key(right);
}

}  // namespace

Adjacency::Adjacency(std::vector<Route> routes, const std::vector<Neighbor>& neighbors) : routes_(std::move(routes)) {
  for (Route& route : routes_) route.prefix = route.prefix.network();
  std::stable_sort(routes_.begin(), routes_.end(), comes_before);
  slots_.resize(std::bit_ceil(2 * neighbors.size() + 1));
  for (const Neighbor& neighbor : neighbors) {
    const Words address = words_of(neighbor.address);
    slots_[slot_of(neighbor.port, address)] = {address, neighbor.port, neighbor.mac};
  }
  choose_ways();

  for (uint32_t i = 0; i < routes_.size(); ++i) {
    const net::Prefix& prefix = routes_[i].prefix;
    std::vector<Group>& groups = groups_[index_of(prefix.address.family())];
    const Words mask = net::mask_of(prefix.bits());
    if (groups.empty() || groups.back().mask != mask) groups.push_back({mask, i, i});
    groups.back().end = i + 1;
    prefixes_.push_back(words_of(prefix.address));
  }
}

// Leaves one route of each prefix. Of equal ways that whose gateway does not answer is not taken.
void Adjacency::choose_ways() {
  const auto usable = [this](const Route& route) {
    return route.on_link || link_address(route.port, route.gateway).has_value();
  };
  const auto same = [](const Route& left, const Route& right) { return left.prefix == right.prefix; };
  for (auto begin = routes_.begin(), end = begin; begin != routes_.end(); begin = end) {
    end = std::find_if_not(begin, routes_.end(), [&](const Route& route) { return same(route, *begin); });
    if (const auto first = std::find_if(begin, end, usable); first != end) std::iter_swap(begin, first);
    std::copy_if(begin, end, std::back_inserter(others_),
                 [&](const Route& route) { return route.port != begin->port; });
  }
  routes_.erase(std::unique(routes_.begin(), routes_.end(), same), routes_.end());
}

const Route* Adjacency::route_to(const net::IpAddress& destination) const {
  constexpr uint32_t few = 8;  // routes that are sooner looked at one after the other
  const Words address = words_of(destination);
  for (const Group& group : groups_[index_of(destination.family())]) {
    const Words wanted = address & group.mask;
    uint32_t at = group.begin;
    if (group.end - group.begin <= few) {
      while (at < group.end && !(prefixes_[at] == wanted)) ++at;
    } else {
      const auto begin = prefixes_.begin() + group.begin, end = prefixes_.begin() + group.end;
      const auto found = std::lower_bound(begin, end, wanted);
      at = found != end && *found == wanted ? static_cast<uint32_t>(found - prefixes_.begin()) : group.end;
    }
    if (at != group.end) return &routes_[at];
  }
  return nullptr;
}

// Where the neighbour is, or the empty slot where it would be.
size_t Adjacency::slot_of(uint16_t port, const Words& address) const {
  const size_t last = slots_.size() - 1;
  const uint64_t mixed = (address.high ^ address.low * 0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd;
  size_t slot = ((mixed >> 32) + port) & last;
  while (slots_[slot].port != no_port && !(slots_[slot].port == port && slots_[slot].address == address)) {
    slot = (slot + 1) & last;
  }
  return slot;
}

Adjacency::Answer Adjacency::find(const net::IpAddress& destination) const {
  const Route* route = route_to(destination);
  if (route == nullptr || route->port == Route::nowhere) return {};
  const net::IpAddress& neighbor = route->on_link ? destination : route->gateway;
  const Slot& slot = slots_[slot_of(route->port, words_of(neighbor))];
  const bool resolved = slot.port != no_port;
  return {.found = true,
          .hop = {.port = route->port, .mac = slot.mac, .resolved = resolved, .mtu = route->mtu},
          .neighbor = neighbor};
}

bool Adjacency::leads_by(uint16_t port, const net::IpAddress& destination) const {
  const Route* const taken = route_to(destination);
  if (taken == nullptr || taken->port == port) return taken != nullptr;
  return std::any_of(others_.begin(), others_.end(),
                     [&](const Route& other) { return other.port == port && other.prefix == taken->prefix; });
}

std::optional<net::Mac> Adjacency::link_address(uint16_t port, const net::IpAddress& neighbor) const {
  if (slots_.empty()) return std::nullopt;
  const Slot& slot = slots_[slot_of(port, words_of(neighbor))];
  return slot.port != no_port ? std::optional(slot.mac) : std::nullopt;
}

}  // namespace viaduct::dataplane
