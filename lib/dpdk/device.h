// From a device in the configuration to what DPDK must be told, and to what must be true before.
//
// Drivers answer a wrong interface name with "-1". So what can be known without DPDK is checked first and said in
// words.
#pragma once

#include <cstdint>
#include <string>

#include "config/config.h"
#include "core/result.h"

namespace viaduct::dpdk {

// The same device seen by DPDK.
struct DevicePlan {
  std::string name;              // of the DPDK device, if it is one: "0000:3b:00.0"
  std::string arguments;         // of a virtual device
  bool is_virtual = true;        // made by us; else found on the bus
  std::string kernel_interface;  // the twin, where it is the same interface
  int kernel_index = 0;          // its number
  std::string mac;               // ours, where DPDK does not know it
  uint16_t mtu = 1500;
  uint16_t mtu_max = 0;         // of what its buffers hold; 0: `mtu`
  uint16_t queue_pairs = 1;     // worth asking for
  std::string queue_remark;     // why fewer than workers
  uint32_t frame_bytes = 2048;  // a receive buffer must hold
  bool holds_buffers = false;   // the driver keeps receive buffers in its queues; else it copies and lets go
};

// `index` is the port's, for names. Thread: control; asks the kernel, changes nothing but a stale memif socket.
core::Result<DevicePlan> plan_device(const config::Port& port, size_t index, size_t workers);

// The link address of a port that has none by nature: local, and the same after every start, since neighbours of a port
// without ARP name it in their configuration.
std::string stable_mac(const std::string& port_name);

}  // namespace viaduct::dpdk
