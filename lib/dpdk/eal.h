// DPDK's environment, from our configuration; users see no EAL flags.
//
// Every worker is an EAL lcore of its own, the control thread is lcore 0, and lcore ids are ours: `--lcores
// 0@1,1@2,2@3` maps them to cores. So ids stay small on machines with more cores than DPDK knows ids (128), and the
// control thread may share a core with a worker, which a machine of two cores needs.
#pragma once

#include <memory>

#include "config/config.h"
#include "core/result.h"

namespace viaduct::dpdk {

class Eal {
 public:
  // Once in a process. Leaves the calling thread on the control core, where the threads of EAL and whatever the caller
  // starts later stay too, off the workers' cores.
  static core::Result<std::unique_ptr<Eal>> start(const config::Config& config);
  ~Eal();  // all ports are closed by then
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;

  static unsigned lcore_of(size_t worker) { return static_cast<unsigned>(worker) + 1; }

 private:
  Eal() = default;
};

}  // namespace viaduct::dpdk
