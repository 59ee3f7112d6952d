// What the kernel knows of an interface of its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"

namespace viaduct::dpdk {

struct Interface {
  int index = 0;
  uint16_t mtu = 1500;
  uint16_t queues = 1;  // receive queues
  bool up = false;      // administratively
};

// An error names the interfaces that there are. Waits while the kernel changes any of them (rtnl_lock): for the start.
core::Result<Interface> find_interface(const std::string& name);

// Up and with a carrier; false where there is no such interface. Never waits.
bool has_carrier(const std::string& interface);

// The packet sockets (AF_PACKET) of this process that are bound to an interface. The driver that owns them shows
// neither them nor what they lose; the kernel tells anyone who has the descriptor.
std::vector<int> packet_sockets_of(int interface_index);

// Keeps out of a packet socket what the kernel would not take either, frames for other link addresses on a wire that
// several share (two nodes with one address would both forward), broadcasts, and the host's own transmissions: they are
// nobody's business here, and would be copied, parsed and punted one by one. False if the kernel refuses.
bool hear_own_frames_only(int packet_socket);

// Datagrams that found the ring full since the last call.
uint64_t take_lost(int packet_socket);

}  // namespace viaduct::dpdk
