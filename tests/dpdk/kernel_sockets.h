// Sockets of the kernel's at the other end of a cable.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

#include "dpdk/packet_socket.h"
#include "net/address.h"
#include "support/network.h"
#include "support/packet_builder.h"

namespace viaduct::test {

union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

inline socklen_t fill(const net::Endpoint& endpoint, SocketAddress& address) {
  std::memset(&address, 0, sizeof(address));
  if (endpoint.address.is_v4()) {
    address.v4.sin_family = AF_INET;
    address.v4.sin_port = htons(endpoint.port);
    std::memcpy(&address.v4.sin_addr, endpoint.address.v4_bytes(), 4);
    return sizeof(address.v4);
  }
  address.v6.sin6_family = AF_INET6;
  address.v6.sin6_port = htons(endpoint.port);
  std::memcpy(&address.v6.sin6_addr, endpoint.address.bytes.data(), 16);
  return sizeof(address.v6);
}

// Makes a socket by `make` in the peer's network; a socket stays where it was made.
inline int socket_at(const PeerNetwork& peer, const std::function<int()>& make) {
  int fd = -1;
  std::thread visitor([&] {
    const int network = open(("/proc/" + std::to_string(peer.pid()) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC);
    if (setns(network, CLONE_NEWNET) == 0) fd = make();
    close(network);
  });
  visitor.join();
  if (fd < 0) throw std::runtime_error("no socket at the peer");
  return fd;
}

inline int udp_at(const PeerNetwork& peer, const std::string& where) {
  return socket_at(peer, [&] {
    SocketAddress address;
    const socklen_t size = fill(endpoint(where), address);
    const int fd = socket(address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return bind(fd, &address.any, size) == 0 ? fd : -1;
  });
}

// Everything that arrives on the peer's interface, as frames.
inline int capture_at(const PeerNetwork& peer, const std::string& interface) {
  return socket_at(peer, [&] {
    const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
    dpdk::hear_own_frames_only(fd);
    return bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 ? fd : -1;
  });
}

inline void send_to(int fd, const std::string& text, const std::string& where) {
  SocketAddress address;
  const socklen_t size = fill(endpoint(where), address);
  ASSERT_EQ(sendto(fd, text.data(), text.size(), 0, &address.any, size), static_cast<ssize_t>(text.size()));
}

// The next datagram, or nothing after a while.
inline std::string receive(int fd, int wait_ms = 5000) {
  pollfd readable{fd, POLLIN, 0};
  if (poll(&readable, 1, wait_ms) != 1) return {};
  std::string text(65536, '\0');
  const ssize_t size = recv(fd, text.data(), text.size(), 0);
  text.resize(size < 0 ? 0 : static_cast<size_t>(size));
  return text;
}

}  // namespace viaduct::test
