// What one worker uses of one port.
#pragma once

#include <cstdint>

namespace viaduct::dpdk {

class ExceptionPath;
class MemifQueue;
class PacketSocket;
struct TransmitLock;

struct PortQueue {
  uint16_t port_id = 0;            // DPDK's
  PacketSocket* socket = nullptr;  // in its place, where the interface is the kernel's and DPDK has no part
  MemifQueue* memif = nullptr;     // in its place, where memory is shared
  bool copies() const { return socket != nullptr || memif != nullptr; }  // what it sends
  bool receives = true;  // has a receive queue; the first workers have, where there are fewer queues than workers
  uint16_t rx_queue = 0;
  uint16_t tx_queue = 0;
  TransmitLock* lock = nullptr;  // of a transmit queue that workers share
  bool writes_ipv4_checksum = false;
  bool writes_udp_checksum = false;
  ExceptionPath* exception_path = nullptr;  // to the kernel; nullptr: it has its own copies, or no part in the port
  uint16_t worker = 0;                      // whose it is
};

}  // namespace viaduct::dpdk
