#include "control/kernel_twin_tables.h"

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

namespace viaduct::control {
namespace {

// libnl takes messages by pointers to non-const and does not write to them.
nlmsghdr* mutable_header(const nlmsghdr& message) { return const_cast<nlmsghdr*>(&message); }

template <class Header>
const Header* header_of(const nlmsghdr& message) {
  if (!nlmsg_valid_hdr(&message, sizeof(Header))) return nullptr;
  return static_cast<const Header*>(nlmsg_data(&message));
}

template <size_t max>
using Attributes = std::array<nlattr*, max + 1>;

template <class Header, size_t max>
bool read_attributes(const nlmsghdr& message, Attributes<max>& attributes) {
  return nlmsg_parse(mutable_header(message), sizeof(Header), attributes.data(), static_cast<int>(max), nullptr) == 0;
}

std::optional<net::IpAddress> read_address(int family, const void* bytes, int size) {
  if (family == AF_INET && size == 4) return net::IpAddress::v4(static_cast<const uint8_t*>(bytes));
  if (family == AF_INET6 && size == 16) return net::IpAddress::v6(static_cast<const uint8_t*>(bytes));
  return std::nullopt;
}

std::optional<net::IpAddress> read_address(int family, const nlattr* attribute) {
  if (attribute == nullptr) return std::nullopt;
  return read_address(family, nla_data(attribute), nla_len(attribute));
}

// The size alone tells the family, as an RTA_GATEWAY has its route's.
std::optional<net::IpAddress> read_gateway(const nlattr* attribute) {
  if (attribute == nullptr) return std::nullopt;
  return read_address(nla_len(attribute) == 4 ? AF_INET : AF_INET6, attribute);
}

// RTA_VIA: a next hop of another family (IPv4 routes over IPv6 neighbours, RFC 5549).
std::optional<net::IpAddress> read_via(const nlattr* attribute) {
  if (attribute == nullptr || nla_len(attribute) < static_cast<int>(sizeof(rtvia))) return std::nullopt;
  const auto* via = static_cast<const rtvia*>(nla_data(attribute));
  return read_address(via->rtvia_family, via->rtvia_addr, nla_len(attribute) - static_cast<int>(sizeof(rtvia)));
}

// All zeros where there is none, or one that is not Ethernet's.
net::Mac read_mac(const nlattr* attribute) {
  net::Mac mac;
  if (attribute != nullptr && nla_len(attribute) == static_cast<int>(mac.bytes.size())) {
    std::memcpy(mac.bytes.data(), nla_data(attribute), mac.bytes.size());
  }
  return mac;
}

// Of a route that was given one (`ip route ... mtu 1280`). Less than every link takes is not meant (RFC 791
// section 3.2, RFC 8200 section 5).
uint16_t read_mtu(int family, nlattr* metrics) {
  Attributes<RTAX_MAX> of_route{};
  const bool readable = metrics != nullptr && nla_parse_nested(of_route.data(), RTAX_MAX, metrics, nullptr) == 0;
  const uint32_t mtu = readable && of_route[RTAX_MTU] != nullptr ? nla_get_u32(of_route[RTAX_MTU]) : 0;
  if (mtu == 0) return dataplane::Route::any_mtu;
  const uint32_t least = family == AF_INET ? 68 : 1280;
  return static_cast<uint16_t>(std::clamp<uint32_t>(mtu, least, dataplane::Route::any_mtu));
}

bool is_inet(int family) { return family == AF_INET || family == AF_INET6; }

}  // namespace

struct KernelTables::RouteMessage {
  RouteKey key;
  Hops hops;  // none: not a route of ours
};

KernelTables::Effect KernelTables::take(const nlmsghdr& message) {
  switch (message.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: return take_link(message);
    case RTM_NEWADDR:
    case RTM_DELADDR: return take_address(message);
    case RTM_NEWROUTE:
    case RTM_DELROUTE: return take_route(message);
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH: return take_neighbor(message);
    case RTM_NEWNEXTHOP:
    case RTM_DELNEXTHOP: return Effect::resync;
    default: return Effect::none;
  }
}

KernelTables::Effect KernelTables::take_link(const nlmsghdr& message) {
  const auto* info = header_of<ifinfomsg>(message);
  Attributes<IFLA_MAX> attributes{};
  if (info == nullptr || info->ifi_family != AF_UNSPEC) return Effect::none;
  if (!read_attributes<ifinfomsg, IFLA_MAX>(message, attributes)) return Effect::none;

  const auto known = links_.find(info->ifi_index);
  if (message.nlmsg_type == RTM_DELLINK) {
    if (known == links_.end()) return Effect::none;
    ++departures_[known->second.port];
    links_.erase(known);
    return Effect::resync;
  }
  const char* name = attributes[IFLA_IFNAME] == nullptr ? "" : nla_get_string(attributes[IFLA_IFNAME]);
  const auto ours = std::find_if(interfaces_.begin(), interfaces_.end(), [&](const auto& i) { return i.name == name; });
  if (ours == interfaces_.end()) {
    if (known == links_.end()) return Effect::none;
    links_.erase(known);  // renamed
    return Effect::resync;
  }
  const uint32_t mtu = attributes[IFLA_MTU] == nullptr ? 0 : nla_get_u32(attributes[IFLA_MTU]);
  const Link link{.port = ours->port,
                  .up = (info->ifi_flags & IFF_UP) != 0,
                  .carrier = (info->ifi_flags & IFF_LOWER_UP) != 0,
                  .mtu = mtu,
                  .mac = read_mac(attributes[IFLA_ADDRESS])};
  if (known != links_.end() && known->second == link) return Effect::none;
  // Routes come and go with the first three: with the carrier where net.ipv4.conf.*.ignore_routes_with_linkdown is set.
  const bool same_routes = known != links_.end() && known->second.port == link.port && known->second.up == link.up &&
                           known->second.carrier == link.carrier;
  links_[info->ifi_index] = link;
  return same_routes ? Effect::changed : Effect::resync;
}

KernelTables::Effect KernelTables::take_address(const nlmsghdr& message) {
  const auto* info = header_of<ifaddrmsg>(message);
  Attributes<IFA_MAX> attributes{};
  if (info == nullptr || !links_.contains(static_cast<int>(info->ifa_index))) return Effect::none;
  if (!read_attributes<ifaddrmsg, IFA_MAX>(message, attributes)) return Effect::none;
  // On a point-to-point link IFA_ADDRESS is the other end's.
  const nlattr* own = attributes[IFA_LOCAL] != nullptr ? attributes[IFA_LOCAL] : attributes[IFA_ADDRESS];
  const std::optional<net::IpAddress> address = read_address(info->ifa_family, own);
  if (!address) return Effect::none;

  const auto entry = std::pair(static_cast<int>(info->ifa_index), std::pair(*address, info->ifa_prefixlen));
  const bool usable = message.nlmsg_type == RTM_NEWADDR && (info->ifa_flags & IFA_F_DADFAILED) == 0;
  if (usable) return addresses_.insert(entry).second ? Effect::changed : Effect::none;
  return addresses_.erase(entry) != 0 ? Effect::resync : Effect::none;
}

void KernelTables::add_hop(int interface, unsigned flags, const nlattr* gateway, const nlattr* via, uint16_t mtu,
                           Hops& hops) const {
  if ((flags & RTNH_F_DEAD) != 0 || !links_.contains(interface)) return;
  Hop hop;
  hop.interface = interface;
  hop.mtu = mtu;
  if (const auto address = gateway != nullptr ? read_gateway(gateway) : read_via(via)) {
    hop.on_link = false;
    hop.gateway = *address;
  }
  hops.push_back(hop);
}

// False: a route that is not our business at all (other table, other type of service, cache entry).
bool KernelTables::read_route(const nlmsghdr& message, RouteMessage& route) const {
  const auto* info = header_of<rtmsg>(message);
  Attributes<RTA_MAX> attributes{};
  if (info == nullptr || !is_inet(info->rtm_family) || info->rtm_tos != 0 || (info->rtm_flags & RTM_F_CLONED) != 0) {
    return false;
  }
  if (!read_attributes<rtmsg, RTA_MAX>(message, attributes)) return false;
  const uint32_t table = attributes[RTA_TABLE] != nullptr ? nla_get_u32(attributes[RTA_TABLE]) : info->rtm_table;
  if (table != RT_TABLE_MAIN) return false;

  const std::array<uint8_t, 16> zeros{};
  const int family_bytes = info->rtm_family == AF_INET ? 4 : 16;
  const auto destination = attributes[RTA_DST] != nullptr ? read_address(info->rtm_family, attributes[RTA_DST])
                                                          : read_address(info->rtm_family, zeros.data(), family_bytes);
  if (!destination) return false;
  const uint32_t priority = attributes[RTA_PRIORITY] != nullptr ? nla_get_u32(attributes[RTA_PRIORITY]) : 0;
  route.key = {*destination, info->rtm_dst_len, priority};

  const auto refuses = {RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT, RTN_THROW};
  if (std::find(refuses.begin(), refuses.end(), info->rtm_type) != refuses.end()) route.hops.emplace_back();
  if (info->rtm_type != RTN_UNICAST) return true;
  const uint16_t mtu = read_mtu(info->rtm_family, attributes[RTA_METRICS]);
  if (attributes[RTA_MULTIPATH] == nullptr) {
    if (attributes[RTA_OIF] != nullptr) {
      add_hop(static_cast<int>(nla_get_u32(attributes[RTA_OIF])), info->rtm_flags, attributes[RTA_GATEWAY],
              attributes[RTA_VIA], mtu, route.hops);
    }
    return true;
  }
  auto* hop = static_cast<rtnexthop*>(nla_data(attributes[RTA_MULTIPATH]));
  int left = nla_len(attributes[RTA_MULTIPATH]);
  while (left >= static_cast<int>(sizeof(rtnexthop)) && hop->rtnh_len >= sizeof(rtnexthop) && hop->rtnh_len <= left) {
    Attributes<RTA_MAX> of_hop{};
    auto* first = static_cast<nlattr*>(static_cast<void*>(hop + 1));
    if (nla_parse(of_hop.data(), RTA_MAX, first, hop->rtnh_len - static_cast<int>(sizeof(rtnexthop)), nullptr) == 0) {
      add_hop(hop->rtnh_ifindex, hop->rtnh_flags, of_hop[RTA_GATEWAY], of_hop[RTA_VIA], mtu, route.hops);
    }
    const size_t stride = RTNH_ALIGN(hop->rtnh_len);
    left -= static_cast<int>(stride);
    hop = static_cast<rtnexthop*>(static_cast<void*>(reinterpret_cast<char*>(hop) + stride));
  }
  return true;
}

KernelTables::Effect KernelTables::take_route(const nlmsghdr& message) {
  RouteMessage route;
  if (!read_route(message, route)) return Effect::none;
  return message.nlmsg_type == RTM_DELROUTE ? delete_route(route) : add_route(route, message.nlmsg_flags);
}

KernelTables::Effect KernelTables::add_route(const RouteMessage& route, uint16_t flags) {
  const auto known = routes_.find(route.key);
  if (known == routes_.end()) {
    if (route.hops.empty()) return Effect::none;
    routes_[route.key].push_back(route.hops);
    return Effect::changed;
  }
  if ((flags & NLM_F_MULTI) != 0) {  // part of a dump: one more under this key
    if (!route.hops.empty()) known->second.push_back(route.hops);
    return Effect::changed;
  }
  if (known->second.size() != 1 || (flags & NLM_F_REPLACE) == 0) {
    return known->second.size() == 1 && known->second.front() == route.hops ? Effect::none : Effect::resync;
  }
  if (known->second.front() == route.hops) return Effect::none;
  if (route.hops.empty()) {
    routes_.erase(known);
  } else {
    known->second.front() = route.hops;
  }
  return Effect::changed;
}

KernelTables::Effect KernelTables::delete_route(const RouteMessage& route) {
  const auto known = routes_.find(route.key);
  if (known == routes_.end()) return Effect::none;
  if (known->second.size() != 1 || known->second.front() != route.hops) return Effect::resync;
  routes_.erase(known);
  return Effect::changed;
}

KernelTables::Effect KernelTables::take_neighbor(const nlmsghdr& message) {
  const auto* info = header_of<ndmsg>(message);
  Attributes<NDA_MAX> attributes{};
  if (info == nullptr || !is_inet(info->ndm_family) || (info->ndm_flags & NTF_PROXY) != 0) return Effect::none;
  const auto link = links_.find(info->ndm_ifindex);
  if (link == links_.end() || !read_attributes<ndmsg, NDA_MAX>(message, attributes)) return Effect::none;
  const std::optional<net::IpAddress> address = read_address(info->ndm_family, attributes[NDA_DST]);
  if (!address || address->is_multicast()) return Effect::none;

  constexpr unsigned valid = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP;
  const net::Mac mac = read_mac(attributes[NDA_LLADDR]);
  bool usable = message.nlmsg_type == RTM_NEWNEIGH && (info->ndm_state & valid) != 0;
  usable = usable && mac != net::Mac{} && (mac.bytes[0] & 1) == 0;  // a host, not a group

  const std::pair key(info->ndm_ifindex, *address);
  const KernelTwin::Neighbor neighbor{link->second.port, *address};
  if (!usable) {
    const bool deleted = message.nlmsg_type == RTM_DELNEIGH;
    const auto known = neighbors_.find(key);
    const bool kept = known != neighbors_.end();
    const bool fresh = kept && !std::exchange(known->second.lost, true);
    const bool failed = (info->ndm_state & NUD_FAILED) != 0;
    if (kept || deleted || failed) losses_.push_back({neighbor, deleted, kept, fresh});
    return Effect::none;
  }
  if ((info->ndm_state & NUD_STALE) != 0) stale_.push_back(neighbor);
  const auto [entry, added] = neighbors_.try_emplace(key);
  entry->second.lost = false;
  if (!added && entry->second.mac == mac) return Effect::none;
  entry->second.mac = mac;
  return Effect::changed;
}

bool KernelTables::give_up(const KernelTwin::Neighbor& neighbor) {
  const auto entry = neighbors_.find({index_of(neighbor.first), neighbor.second});
  if (entry == neighbors_.end() || !entry->second.lost) return false;
  neighbors_.erase(entry);
  return true;
}

void KernelTables::succeed(const KernelTables& before) {
  departures_ = before.departures_;
  for (const auto& [index, link] : before.links_) {  // of which the kernel's word is still to be read
    if (!links_.contains(index)) ++departures_[link.port];
  }
  for (const auto& [key, address] : before.neighbors_) {
    const auto link = links_.find(key.first);
    if (link == links_.end() || !link->second.up) continue;
    const auto [entry, added] = neighbors_.try_emplace(key, address);
    if (!added) continue;
    entry->second.lost = true;
    if (!address.lost) losses_.push_back({{link->second.port, key.second}, true, true, true});
  }
}

int KernelTables::index_of(uint16_t port) const {
  for (const auto& [index, link] : links_) {
    if (link.port == port) return index;
  }
  return 0;
}

uint64_t KernelTables::incarnation(uint16_t port) const {
  const auto index = static_cast<uint64_t>(index_of(port));
  const auto departures = departures_.find(port);
  return index == 0 || departures == departures_.end() ? index : index | uint64_t{departures->second} << 32;
}

std::optional<net::Mac> KernelTables::mac(uint16_t port) const {
  const auto link = links_.find(index_of(port));
  return link == links_.end() || link->second.mac == net::Mac{} ? std::nullopt : std::optional(link->second.mac);
}

uint32_t KernelTables::mtu(uint16_t port) const {
  const auto link = links_.find(index_of(port));
  return link == links_.end() ? 0 : link->second.mtu;
}

std::vector<net::Prefix> KernelTables::addresses(uint16_t port) const {
  std::vector<net::Prefix> result;
  for (const auto& [index, prefix] : addresses_) {
    const auto link = links_.find(index);
    if (link != links_.end() && link->second.port == port) result.push_back({prefix.first, prefix.second});
  }
  return result;
}

std::vector<dataplane::Route> KernelTables::routes() const {
  std::vector<dataplane::Route> result;
  for (const auto& [key, entries] : routes_) {
    const net::Prefix prefix{key.destination, key.length};
    if (!result.empty() && result.back().prefix == prefix) continue;  // a better priority came first
    for (const Hop& hop : entries.front()) {
      if (hop.interface == Hop::nowhere) result.push_back({prefix, dataplane::Route::nowhere, true, {}});
      const auto link = links_.find(hop.interface);
      if (link != links_.end()) result.push_back({prefix, link->second.port, hop.on_link, hop.gateway, hop.mtu});
    }
  }
  return result;
}

std::vector<dataplane::Adjacency::Neighbor> KernelTables::neighbors() const {
  std::vector<dataplane::Adjacency::Neighbor> result;
  for (const auto& [key, address] : neighbors_) {
    const auto link = links_.find(key.first);
    if (link != links_.end()) result.push_back({link->second.port, key.second, address.mac});
  }
  return result;
}

}  // namespace viaduct::control
