// A TAP: an interface of the kernel whose wire is a file descriptor (Linux, Documentation/networking/tuntap.rst).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/result.h"
#include "net/address.h"

namespace viaduct::dpdk {

// Gone with the object, unless somebody made it persistent before (`ip tuntap add`): then it was found, and stays.
// Thread: control.
class TapInterface {
 public:
  // Makes the interface, or takes one that is there for taking, gives it this link address and MTU, and sets it up.
  // Needs CAP_NET_ADMIN and /dev/net/tun.
  static core::Result<std::unique_ptr<TapInterface>> open(const std::string& name, const net::Mac& mac, uint16_t mtu);
  ~TapInterface();
  TapInterface(const TapInterface&) = delete;
  TapInterface& operator=(const TapInterface&) = delete;

  int fd() const { return fd_; }  // readable: the kernel has sent
  // A frame from the kernel, whole or cut at the end of `room`; its length, 0 if there is none. Nothing: the interface
  // was deleted. Never blocks.
  std::optional<size_t> read(std::span<uint8_t> room);
  // A frame to the kernel. False: it does not take it, the interface is down perhaps.
  bool write(std::span<const uint8_t> frame);

 private:
  explicit TapInterface(int fd) : fd_(fd) {}
  const int fd_;
};

}  // namespace viaduct::dpdk
