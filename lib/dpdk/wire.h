// Ports and cores for a program that is not the balancer, from the outside: no `rte_` type in sight.
//
// EAL, memory and ports as Runtime has them; what runs on the cores is the caller's. Thread: control, unless said
// otherwise.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "config/config.h"
#include "core/result.h"
#include "dataplane/packet.h"
#include "dpdk/runtime.h"

namespace viaduct::dpdk {

class Wire {
 public:
  // A PacketIo over one port, whose packets all have port 0, and which hands out blank packets too. Thread: one at a
  // time, a core that `launch` started.
  class Io {
   public:
    virtual ~Io() = default;
    virtual size_t receive(std::span<dataplane::Packet> packets) = 0;
    virtual size_t transmit(std::span<dataplane::Packet> packets) = 0;
    virtual void release(std::span<dataplane::Packet> packets) = 0;
    // All or none.
    virtual size_t allocate(std::span<dataplane::Packet> packets) = 0;
    void punt(std::span<dataplane::Packet> packets) { release(packets); }
  };

  // As Runtime::open; `buffers` more than ports and cores need by themselves, for what the program keeps.
  static core::Result<std::unique_ptr<Wire>> open(const config::Config& config, uint32_t buffers);
  virtual ~Wire() = default;  // nothing runs any more

  virtual std::span<const PortInfo> ports() const = 0;
  virtual PortStatistics port_statistics(size_t port) const = 0;
  virtual Io& io(size_t port) = 0;

  // Runs `work` on the core of [runtime] workers with this index. `join` waits for all.
  virtual core::Status launch(size_t worker, std::function<void()> work) = 0;
  virtual void join() = 0;
};

}  // namespace viaduct::dpdk
