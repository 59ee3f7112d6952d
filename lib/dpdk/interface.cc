#include "dpdk/interface.h"

#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace viaduct::dpdk {
namespace {

std::string names_of_interfaces() {
  std::string list;
  struct if_nameindex* all = if_nameindex();
  for (const struct if_nameindex* one = all; one != nullptr && one->if_index != 0; ++one) {
    list += fmt::format("{}{}", list.empty() ? "" : ", ", one->if_name);
  }
  if (all != nullptr) if_freenameindex(all);
  return list;
}

uint16_t receive_queues(int fd, ifreq request) {
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  request.ifr_data = reinterpret_cast<char*>(&channels);
  if (ioctl(fd, SIOCETHTOOL, &request) != 0) return 1;
  return static_cast<uint16_t>(std::max(channels.combined_count, channels.rx_count));
}

// None where there is no such interface.
short flags_of(int fd, ifreq request) { return ioctl(fd, SIOCGIFFLAGS, &request) == 0 ? request.ifr_flags : short{0}; }

ifreq request_about(const std::string& interface) {
  ifreq request{};
  interface.copy(request.ifr_name, IFNAMSIZ - 1);
  return request;
}

}  // namespace

core::Result<Interface> find_interface(const std::string& name) {
  Interface found;
  found.index = static_cast<int>(if_nametoindex(name.c_str()));
  if (found.index == 0 || name.size() >= IFNAMSIZ) {
    return core::Error{fmt::format("there is no interface \"{}\" in this network namespace; there are {}", name,
                                   names_of_interfaces())};
  }
  // The kernel's messages have that name alone.
  char kernels[IF_NAMESIZE];
  if (if_indextoname(static_cast<unsigned>(found.index), kernels) != nullptr && name != kernels) {
    return core::Error{fmt::format("\"{}\" is another name of the interface {}: say {}", name, kernels, kernels)};
  }
  ifreq request = request_about(name);
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return core::Error{fmt::format("the kernel cannot be asked about interfaces: {}", std::strerror(errno))};
  found.up = (flags_of(fd, request) & IFF_UP) != 0;
  if (ioctl(fd, SIOCGIFMTU, &request) == 0) found.mtu = static_cast<uint16_t>(std::clamp(request.ifr_mtu, 0, 65535));
  if (ioctl(fd, SIOCGIFHWADDR, &request) == 0) {
    std::memcpy(found.mac.bytes.data(), request.ifr_hwaddr.sa_data, found.mac.bytes.size());
    const auto kind = request.ifr_hwaddr.sa_family;
    found.ethernet = kind == ARPHRD_ETHER || kind == ARPHRD_LOOPBACK;
  }
  found.queues = receive_queues(fd, request);
  close(fd);
  return found;
}

bool has_carrier(const std::string& interface) {
  constexpr short wanted = IFF_UP | IFF_RUNNING;
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool all = (flags_of(fd, request_about(interface)) & wanted) == wanted;
  close(fd);
  return all;
}

}  // namespace viaduct::dpdk
