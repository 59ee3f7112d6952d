// A port that shares memory with another process.
#pragma once

#include "dpdk/memif_end.h"
#include "dpdk/memif_queue.h"
#include "dpdk/port.h"

namespace viaduct::dpdk {

class MemifPort final : public Port {
 public:
  MemifPort(const config::Port& config, DevicePlan plan, size_t workers);

  // A client waits some seconds for the other end, which may just be coming up.
  core::Status set_up(rte_mempool* frames) override;
  BufferNeed need() const override;
  PortStatistics statistics() const override;
  PortQueue queue_of(size_t worker) override;

 private:
  core::Status meet() const;

  std::unique_ptr<MemifEnd> end_;
  std::vector<std::unique_ptr<MemifQueue>> queues_;  // by worker
};

}  // namespace viaduct::dpdk
