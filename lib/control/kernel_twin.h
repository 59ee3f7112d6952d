// The kernel as the control plane of the network: addresses, routes and neighbours over netlink.
//
// The only door to libnl. Thread: control.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "dataplane/view.h"
#include "net/address.h"

namespace viaduct::control {

class KernelTwin {
 public:
  struct Interface {
    std::string name;   // "eth0", in this process's network namespace
    uint16_t port = 0;  // index of the port it stands behind
  };
  // Subscribes to changes first, then reads everything once.
  static core::Result<std::unique_ptr<KernelTwin>> open(std::vector<Interface> interfaces);
  virtual ~KernelTwin() = default;

  virtual int fd() const = 0;  // readable: call `read_changes`
  // Takes in what the kernel reported. True if routes, neighbours or addresses of our interfaces changed. After an
  // error it wants to be called again soon.
  virtual core::Result<bool> read_changes() = 0;

  virtual std::vector<net::Prefix> addresses(uint16_t port) const = 0;
  virtual uint32_t mtu(uint16_t port) const = 0;  // of its interface, in bytes of an IP packet; 0: there is none now
  virtual std::vector<dataplane::Route> routes() const = 0;  // of our interfaces: main table, both families; equal
                                                             // ways to one prefix one behind another
  virtual std::vector<dataplane::Adjacency::Neighbor> neighbors() const = 0;  // with a valid link address

  // Gives the port's interface an address, as `ip address replace` does; known here once `read_changes` has read of it.
  // IPv6 addresses are not probed for duplicates first, so that sockets can be bound to them at once.
  virtual core::Status add_address(uint16_t port, const net::Prefix& address) = 0;

  // Asks the kernel to resolve `address` on the port's interface and keep it fresh (NTF_USE).
  virtual void want(uint16_t port, const net::IpAddress& address) = 0;

  // A port's neighbour.
  using Neighbor = std::pair<uint16_t, net::IpAddress>;
  // Whose entries the kernel has deleted since the last call, known ones and ones that it was still asking for: an
  // answer that comes after that is nobody's.
  virtual std::vector<Neighbor> take_forgotten() = 0;
};

}  // namespace viaduct::control
