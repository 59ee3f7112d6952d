#include "control/guard_socket.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "net/socket_address.h"

namespace viaduct::control {
namespace {

core::Error refused(const net::Endpoint& endpoint, int error) {
  const std::string where = net::to_string(endpoint);
  if (error == EADDRINUSE) {
    return {where + "/udp is taken by another program on this host; stop it (`ss -ulpn sport = :" +
            std::to_string(endpoint.port) + "` shows it) or give the listener another address"};
  }
  return {where + "/udp cannot be guarded: " + std::strerror(error)};
}

bool set(int fd, int level, int option, int value) { return setsockopt(fd, level, option, &value, sizeof(value)) == 0; }

}  // namespace

core::Result<GuardSocket> GuardSocket::open(const net::Endpoint& endpoint) {
  const bool v4 = endpoint.address.is_v4();
  const int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return refused(endpoint, errno);
  GuardSocket guard(fd);

  // The filter comes before the bind, so that not one datagram is ever queued.
  sock_filter drop_all = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog program{1, &drop_all};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0) return refused(endpoint, errno);
  set(fd, SOL_SOCKET, SO_RCVBUF, 0);  // the kernel makes it its minimum

  // The address may come later (VRRP, duplicate address detection); until then the guard waits bound. SO_REUSEADDR
  // stays off: for UDP it would let another program take the port from under us.
  if (v4) {
    set(fd, IPPROTO_IP, IP_FREEBIND, 1);
  } else {
    set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    set(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
  }
  const net::SocketAddress address = net::socket_address(endpoint);
  if (bind(fd, address.get(), address.size) != 0) return refused(endpoint, errno);
  return guard;
}

GuardSocket::~GuardSocket() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace viaduct::control
