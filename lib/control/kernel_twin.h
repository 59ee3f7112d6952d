// The kernel as the control plane of the network: addresses, routes and neighbours over netlink.
//
// The only door to libnl. Thread: control.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
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
  // Of its interface: another number after each time that was deleted; 0: there is none now.
  virtual uint64_t incarnation(uint16_t port) const = 0;
  virtual std::optional<net::Mac> mac(uint16_t port) const = 0;  // of its interface, if that has one
  virtual uint32_t mtu(uint16_t port) const = 0;  // of its interface, in bytes of an IP packet; 0: there is none now
  virtual std::vector<dataplane::Route> routes() const = 0;  // of our interfaces: main table, both families; equal
                                                             // ways to one prefix one behind another
  // With a valid link address, and those whose loss was told as `kept` and who have not been given up.
  virtual std::vector<dataplane::Adjacency::Neighbor> neighbors() const = 0;

  // Gives the port's interface an address, as `ip address replace` does; known here once `read_changes` has read of it.
  // IPv6 addresses are not probed for duplicates first, so that sockets can be bound to them at once.
  virtual core::Status add_address(uint16_t port, const net::Prefix& address) = 0;

  // Asks the kernel to resolve `address` on the port's interface and keep it fresh (NTF_USE).
  virtual void want(uint16_t port, const net::IpAddress& address) = 0;
  // Asks the kernel to resolve it, this once.
  virtual void ask(uint16_t port, const net::IpAddress& address) = 0;

  // A port's neighbour.
  using Neighbor = std::pair<uint16_t, net::IpAddress>;
  struct Loss {
    Neighbor neighbor;
    bool deleted = false;  // its entry, known or still asked for: an answer that comes now is nobody's. Else it is
                           // invalid: it did not answer, or somebody deletes it, which the kernel says next
    bool kept = false;     // it was known: `neighbors` goes on having its last link address
    bool fresh = false;    // it was known to the kernel, too, until then
    bool operator==(const Loss&) const = default;
  };
  // Those since the last call, in order. Who was not wanted and fell to the kernel's own tidying is not kept.
  virtual std::vector<Loss> take_losses() = 0;
  // Of one that is kept, unless the kernel has found it again. True if `neighbors` had it.
  virtual bool give_up(const Neighbor& neighbor) = 0;
};

}  // namespace viaduct::control
