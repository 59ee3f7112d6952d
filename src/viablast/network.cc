#include "network.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <unordered_set>

#include "control/kernel_twin.h"

namespace viaduct::viablast {
namespace {

constexpr std::chrono::seconds patience{4};
constexpr size_t guards_max = 4096;

std::vector<std::pair<std::string, net::IpAddress>> all_addresses() {
  std::vector<std::pair<std::string, net::IpAddress>> found;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return found;
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, freeifaddrs);
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    if (entry->ifa_addr->sa_family == AF_INET) {
      sockaddr_in address;
      std::memcpy(&address, entry->ifa_addr, sizeof address);
      found.emplace_back(entry->ifa_name, net::IpAddress::v4(reinterpret_cast<const uint8_t*>(&address.sin_addr)));
    } else if (entry->ifa_addr->sa_family == AF_INET6) {
      sockaddr_in6 address;
      std::memcpy(&address, entry->ifa_addr, sizeof address);
      found.emplace_back(entry->ifa_name, net::IpAddress::v6(address.sin6_addr.s6_addr));
    }
  }
  return found;
}

}  // namespace

core::Result<net::Mac> next_hop_mac(const std::string& interface, const net::IpAddress& target) {
  auto twin = control::KernelTwin::open({{interface, 0}});
  if (!twin) return core::Error{twin.error()};
  const auto way = dataplane::Adjacency((*twin)->routes(), {}).find(target);
  if (!way.found) {
    return core::Error{"the kernel has no route to " + net::to_string(target) + " by " + interface +
                       "; `ip route` shows what there is, --gateway-mac goes without"};
  }
  const auto deadline = std::chrono::steady_clock::now() + patience;
  const net::IpAddress& hop = way.neighbor;
  (*twin)->want(0, hop);
  do {
    for (const auto& neighbor : (*twin)->neighbors()) {
      if (neighbor.address == hop) return neighbor.mac;
    }
    pollfd waiting{(*twin)->fd(), POLLIN, 0};
    poll(&waiting, 1, 200);
    if (const auto changed = (*twin)->read_changes(); !changed) return core::Error{changed.error()};
  } while (std::chrono::steady_clock::now() < deadline);
  return core::Error{"nobody at " + net::to_string(hop) + " answers on " + interface +
                     "; is the other end up? --gateway-mac goes without asking"};
}

core::Result<std::vector<control::GuardSocket>> guard(const std::vector<net::Endpoint>& endpoints) {
  std::unordered_set<net::IpAddress, net::AddressHash> own;
  for (const auto& [interface, address] : all_addresses()) own.insert(address);
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  std::vector<control::GuardSocket> guards;
  for (const net::Endpoint& endpoint : endpoints) {
    if (!own.contains(endpoint.address)) continue;
    if (guards.size() == guards_max) {
      return core::Error{"more than " + std::to_string(guards_max) +
                         " ports of this host's own addresses are to be kept from the kernel; fewer --source-ports, or "
                         "addresses that the kernel does not have, are needed"};
    }
    core::Result<control::GuardSocket> socket = control::GuardSocket::open(endpoint);
    if (!socket) return core::Error{socket.error()};
    guards.push_back(std::move(*socket));
  }
  return guards;
}

std::vector<net::IpAddress> addresses_of(const std::string& interface) {
  std::vector<net::IpAddress> found;
  for (const auto& [name, address] : all_addresses()) {
    if (name == interface) found.push_back(address);
  }
  return found;
}

}  // namespace viaduct::viablast
