// A port whose interface stays the kernel's: a packet socket for each worker, and DPDK has no part in it.
#pragma once

#include "dpdk/packet_socket.h"
#include "dpdk/port.h"

namespace viaduct::dpdk {

class PacketPort final : public Port {
 public:
  PacketPort(const config::Port& config, DevicePlan plan, size_t workers);

  core::Status set_up(rte_mempool* frames) override;
  BufferNeed need() const override { return {.frame_bytes = PacketSocket::frame_bytes}; }
  PortStatistics statistics() const override;
  PortQueue queue_of(size_t worker) override;

 private:
  core::Status open_sockets(rte_mempool* frames);

  std::vector<std::unique_ptr<PacketSocket>> sockets_;  // by worker
};

}  // namespace viaduct::dpdk
