// The control thread's part in ports whose interface is a TAP of our making (dpdk/exception_path.h): it gives the TAPs
// their addresses, and carries frames between them and the workers. Thread: control.
#pragma once

#include <span>
#include <vector>

#include "config/config.h"
#include "control/kernel_twin.h"
#include "core/result.h"
#include "dpdk/runtime.h"

namespace viaduct::control {

// Those of the configuration; whatever else a TAP gets, routes say, is the host's affair.
core::Status give_addresses(std::span<const config::Port> ports, KernelTwin& kernel);

class TwinCarrier {
 public:
  explicit TwinCarrier(dpdk::Runtime& runtime) : runtime_(runtime) {}
  ~TwinCarrier();
  TwinCarrier(const TwinCarrier&) = delete;
  TwinCarrier& operator=(const TwinCarrier&) = delete;

  // The kernel's sending makes a descriptor readable, but of frames in workers' rings nobody is told: a clock looks
  // after those, if there is a twin at all.
  core::Status open();
  std::span<const int> sources() const { return sources_; }  // readable: call `serve`
  // Nothing to do if `fd` is none of them.
  void serve(int fd);

 private:
  dpdk::Runtime& runtime_;
  std::vector<int> sources_;
  int clock_ = -1;
};

}  // namespace viaduct::control
