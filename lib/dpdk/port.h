// A port: found, asked what it can, configured no further than that, started. Thread: control.
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
  // Makes the device (or finds it) and decides how many queues it gets. EAL runs.
  static core::Result<std::unique_ptr<Port>> probe(const config::Port& config, size_t index, size_t workers);
  // Configures and starts it; its receive queues draw from `frames`.
  virtual core::Status set_up(rte_mempool* frames) = 0;
  virtual ~Port() = default;  // stops and closes it
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  const PortInfo& info() const { return info_; }
  virtual BufferNeed need() const = 0;
  virtual PortStatistics statistics() const = 0;

  // What `worker` uses of this port.
  virtual PortQueue queue_of(size_t worker) = 0;
  // Between the workers and the kernel; nullptr: none is needed, or wanted.
  ExceptionPath* exception_path() const { return exception_path_.get(); }

 protected:
  Port(const config::Port& config, DevicePlan plan, size_t workers);
  // Of a port that is no device of DPDK's: what is known before it is opened.
  void is_ours(std::string driver);
  // And that it leaves checksums alone.
  void add_no_checksums();
  // A line of the table that is shown at start.
  void add(std::string what, std::string wanted, std::string got);
  // To the twin, if the configuration names one; it reads into buffers of `frames`.
  core::Status open_exception_path(rte_mempool* frames, bool hears_groups);
  // Buffers that wait on it.
  uint32_t excepted_frames() const;
  // What was lost on it.
  void add_twin(PortStatistics& statistics) const;

  const config::Port config_;
  const DevicePlan plan_;
  const size_t workers_;
  PortInfo info_;

 private:
  std::unique_ptr<ExceptionPath> exception_path_;
};

}  // namespace viaduct::dpdk
