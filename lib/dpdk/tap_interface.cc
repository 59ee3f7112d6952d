#include "dpdk/tap_interface.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace viaduct::dpdk {
namespace {

ifreq request_for(const std::string& name) {
  ifreq request{};
  name.copy(request.ifr_name, sizeof request.ifr_name - 1);
  return request;
}

// The link address, the MTU, and up.
bool configure(const std::string& name, const net::Mac& mac, uint16_t mtu) {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return false;
  ifreq address = request_for(name), size = request_for(name), flags = request_for(name);
  address.ifr_hwaddr.sa_family = ARPHRD_ETHER;
  std::memcpy(address.ifr_hwaddr.sa_data, mac.bytes.data(), mac.bytes.size());
  size.ifr_mtu = mtu;
  bool done = ioctl(socket, SIOCSIFHWADDR, &address) == 0 && ioctl(socket, SIOCSIFMTU, &size) == 0 &&
              ioctl(socket, SIOCGIFFLAGS, &flags) == 0;
  flags.ifr_flags = static_cast<short>(flags.ifr_flags | IFF_UP);
  done = done && ioctl(socket, SIOCSIFFLAGS, &flags) == 0;
  const int problem = errno;
  close(socket);
  errno = problem;
  return done;
}

}  // namespace

core::Result<std::unique_ptr<TapInterface>> TapInterface::open(const std::string& name, const net::Mac& mac,
                                                               uint16_t mtu) {
  const int fd = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) {
    return core::Error{
        fmt::format("/dev/net/tun cannot be opened ({}); root or CAP_NET_ADMIN, and the kernel's tun "
                    "module, are needed",
                    std::strerror(errno))};
  }
  std::unique_ptr<TapInterface> tap(new TapInterface(fd));
  ifreq request = request_for(name);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (ioctl(fd, TUNSETIFF, &request) != 0) {
    const char* const why = errno == EINVAL  ? "an interface of this name is there, and no TAP"
                            : errno == EBUSY ? "another program has it"
                                             : std::strerror(errno);
    return core::Error{fmt::format("a TAP named {} cannot be had: {}", name, why)};
  }
  if (!configure(name, mac, mtu)) {
    return core::Error{fmt::format("the TAP {} cannot be given its link address and an MTU of {}: {}", name, mtu,
                                   std::strerror(errno))};
  }
  return tap;
}

TapInterface::~TapInterface() { close(fd_); }

std::optional<size_t> TapInterface::read(std::span<uint8_t> room) {
  const ssize_t got = ::read(fd_, room.data(), room.size());
  if (got >= 0) return static_cast<size_t>(got);
  if (errno == EBADFD) return std::nullopt;
  return 0;
}

bool TapInterface::write(std::span<const uint8_t> frame) {
  return ::write(fd_, frame.data(), frame.size()) == static_cast<ssize_t>(frame.size());
}

}  // namespace viaduct::dpdk
