// A port that is a device of DPDK's (rte_ethdev): a card, or a virtual device with a driver of its own.
#pragma once

#include "dpdk/port.h"

namespace viaduct::dpdk {

class EthdevPort final : public Port {
 public:
  static core::Result<std::unique_ptr<Port>> probe(const config::Port& config, DevicePlan plan, size_t workers);
  ~EthdevPort() override;

  core::Status set_up(rte_mempool* frames) override;
  BufferNeed need() const override;
  PortStatistics statistics() const override;
  PortQueue queue_of(size_t worker) override;

 private:
  using Port::Port;
  core::Status find(uint16_t id);
  core::Status configure();
  core::Status set_up_queues(rte_mempool* frames);
  core::Status start();

  uint16_t id_ = 0;
  bool found_ = false;
  bool started_ = false;
  int numa_node_ = -1;
  uint16_t rx_descriptors_ = 1024, tx_descriptors_ = 1024;
  std::unique_ptr<TransmitLock[]> locks_;  // one a transmit queue, where workers outnumber queues
};

}  // namespace viaduct::dpdk
