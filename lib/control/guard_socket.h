// A UDP socket bound to a listener's address whose filter drops everything: the kernel answers no ICMP unreachable and
// nobody else can take the port.
//
// Thread: control.
#pragma once

#include "core/result.h"
#include "net/address.h"

namespace viaduct::control {

class GuardSocket {
 public:
  static core::Result<GuardSocket> open(const net::Endpoint& endpoint);
  GuardSocket(GuardSocket&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  GuardSocket& operator=(GuardSocket&&) = delete;
  ~GuardSocket();

 private:
  explicit GuardSocket(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace viaduct::control
