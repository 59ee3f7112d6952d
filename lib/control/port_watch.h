// What becomes of ports while they are in use: links that go and come, interfaces that are deleted.
//
// A port over a kernel's interface has sockets of that very interface. One that is deleted and made anew under the same
// name, as network managers do with VLANs and bonds, is another to the kernel: the sockets stay dead, and to open new
// ones takes privileges that were given up with the first packet. But a start takes a second, and no call is lost by
// it, for there is no state. So when the new one is up this process is of no more use, and should end, to be started
// again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "control/events.h"
#include "core/result.h"

namespace viaduct::control {

// Thread: control.
class PortWatch {
 public:
  struct Sight {
    std::string_view name;       // of the port
    std::string_view interface;  // the kernel's, behind it; empty: there is none
    uint64_t incarnation = 0;    // KernelTwin's; 0: it is gone
    bool ours = false;           // this process has made it
    bool link_up = false;
  };

  // Now and then, with all ports in their order. The first time tells of links that are down, later ones of what has
  // changed. An error is why this process had better be started anew.
  core::Status turn(std::span<const Sight> ports, Events& events);

  // Its interface is gone, or another one: frames neither come nor leave.
  bool lost(size_t port) const { return port < known_.size() && known_[port].lost; }

 private:
  struct Known {
    uint64_t incarnation = 0;
    bool lost = false;
    bool link_up = true;
  };
  std::vector<Known> known_;
};

}  // namespace viaduct::control
