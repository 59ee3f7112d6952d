// What one worker uses of one port.
#pragma once

#include <cstdint>

namespace viaduct::dpdk {

struct TransmitLock;  // dpdk_io.h

struct PortQueue {
  uint16_t port_id = 0;  // DPDK's
  bool receives = true;  // has a receive queue; the first workers have, where there are fewer queues than workers
  uint16_t rx_queue = 0;
  uint16_t tx_queue = 0;
  TransmitLock* lock = nullptr;  // of a transmit queue that workers share
  bool writes_ipv4_checksum = false;
  bool writes_udp_checksum = false;
};

}  // namespace viaduct::dpdk
