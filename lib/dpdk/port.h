// A port: found, asked what it can, configured no further than that, started.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "core/result.h"
#include "dpdk/device.h"
#include "dpdk/exception_path.h"
#include "dpdk/mempool.h"
#include "dpdk/port_queue.h"
#include "dpdk/runtime.h"

namespace viaduct::dpdk {

class Port {
 public:
  // Makes the device (or finds it on the bus) and decides how many queues it gets. EAL runs.
  static core::Result<std::unique_ptr<Port>> probe(const config::Port& config, size_t index, size_t workers);
  // Configures and starts it; its receive queues draw from `frames`.
  core::Status set_up(rte_mempool* frames);
  ~Port();  // stops and closes it
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  const PortInfo& info() const { return info_; }
  BufferNeed need() const;
  PortStatistics statistics() const;

  // What `worker` uses of this port.
  PortQueue queue_of(size_t worker);
  // Between the workers and the kernel; nullptr: none is needed, or wanted.
  ExceptionPath* exception_path() const { return exception_path_.get(); }

 private:
  Port(const config::Port& config, DevicePlan plan, size_t workers);
  core::Status find(uint16_t id);
  core::Status configure();
  core::Status set_up_queues(rte_mempool* frames);
  core::Status start();
  core::Status connect();
  core::Status open_exception_path(rte_mempool* frames);
  void mind_packet_sockets();
  void add(std::string what, std::string wanted, std::string got);

  const config::Port config_;
  const DevicePlan plan_;
  const size_t workers_;
  PortInfo info_;
  uint16_t id_ = 0;
  bool found_ = false;
  bool started_ = false;
  int numa_node_ = -1;
  uint16_t rx_descriptors_ = 1024, tx_descriptors_ = 1024;
  std::vector<int> packet_sockets_;
  mutable uint64_t lost_ = 0;  // in packet sockets, so far
  std::unique_ptr<ExceptionPath> exception_path_;
  std::unique_ptr<TransmitLock[]> locks_;  // one a transmit queue, where workers outnumber queues
};

}  // namespace viaduct::dpdk
