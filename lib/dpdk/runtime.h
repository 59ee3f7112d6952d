// DPDK, from the outside: no `rte_` type in sight.
//
// One Runtime is the whole of what touches NICs: EAL, memory, ports, worker threads. It is built from the checked
// configuration, started with a first View, given newer ones, and stopped. Thread: control, unless said otherwise.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/config.h"
#include "core/result.h"
#include "dataplane/tap.h"
#include "dataplane/view.h"
#include "dataplane/wanted.h"
#include "telemetry/counters.h"

namespace viaduct::dpdk {

// One line of the table shown at start: what was asked of a port and what it gave.
struct Capability {
  std::string what;  // "rx queues", "RSS", "UDP checksum offload"
  std::string wanted;
  std::string got;
};

struct PortInfo {
  std::string name;
  std::string device;  // as configured
  std::string driver;  // "net_pcap", "af_packet", "memif"
  net::Mac mac;
  uint16_t mtu = 1500;      // largest IP packet that it takes
  uint16_t mtu_max = 1500;  // that it can ever take, whatever its kernel interface is set to
  uint16_t rx_queues = 0, tx_queues = 0;
  std::string kernel_interface;  // the twin: "eth0"; empty: no kernel behind this port
  bool ipv4_checksum_offload = false, udp_checksum_offload = false;
  std::vector<Capability> capabilities;
};

// What the port itself counted; a moment old.
struct PortStatistics {
  uint64_t rx_packets = 0, tx_packets = 0, rx_bytes = 0, tx_bytes = 0;
  uint64_t rx_missed = 0, rx_errors = 0, tx_errors = 0, rx_no_buffer = 0;
  uint64_t twin_lost = 0;  // frames that found no room between it and its twin
  bool link_up = false;

  // What was counted since `before`; the link is as it is now.
  PortStatistics since(const PortStatistics& before) const {
    PortStatistics counted = *this;
    for (const auto counter : counters()) counted.*counter -= before.*counter;
    return counted;
  }
  // What another queue of the same port counted.
  PortStatistics& operator+=(const PortStatistics& other) {
    for (const auto counter : counters()) this->*counter += other.*counter;
    return *this;
  }

 private:
  static constexpr std::array<uint64_t PortStatistics::*, 9> counters() {
    return {&PortStatistics::rx_packets, &PortStatistics::tx_packets,   &PortStatistics::rx_bytes,
            &PortStatistics::tx_bytes,   &PortStatistics::rx_missed,    &PortStatistics::rx_errors,
            &PortStatistics::tx_errors,  &PortStatistics::rx_no_buffer, &PortStatistics::twin_lost};
  }
};

// A worker found no link address for a neighbour: the kernel should ask for it.
using dataplane::WantedName;
using dataplane::WantedNeighbor;

class Runtime {
 public:
  // EAL, memory pools and ports, in this order. A failure leaves nothing behind that a process exit does not clean up;
  // it must not be retried in the same process.
  static core::Result<std::unique_ptr<Runtime>> open(const config::Config& config);
  virtual ~Runtime() = default;  // stops, closes ports, ends EAL

  virtual std::span<const PortInfo> ports() const = 0;
  virtual PortStatistics port_statistics(size_t port) const = 0;

  // Launches the workers, which all start with `view`.
  virtual core::Status start(std::shared_ptr<const dataplane::View> view) = 0;
  // Makes `view` the current one; returns at once. The previous one is released by `reclaim` once every worker has
  // passed a quiescent state.
  virtual void publish(std::shared_ptr<const dataplane::View> view) = 0;
  virtual void reclaim() = 0;  // frees Views no worker can see any more; call now and then
  // Stops receiving, lets every worker finish what it holds (hand-off rings included), joins them.
  virtual void stop() = 0;

  virtual size_t worker_count() const = 0;
  virtual unsigned worker_lcore(size_t worker) const = 0;
  virtual const telemetry::WorkerCounters& counters(size_t worker) const = 0;
  virtual size_t handoff_waiting() const = 0;  // packets in hand-off rings right now

  // What that worker has seen of its neighbours; nullptr: nobody watches.
  virtual dataplane::Watch* watch(size_t) { return nullptr; }
  // What it has captured; nullptr: nothing ever is.
  virtual dataplane::Tap* tap(size_t) { return nullptr; }

  // The kernel's ends of ports that have a `twin`: readable when it sends, and then, and each millisecond, to be
  // served.
  virtual std::vector<int> twins() const { return {}; }
  virtual size_t serve_twins() { return 0; }  // how many there are still: somebody may delete one

  // Takes up to `out.size()` wishes of the workers (bounded queue; wishes that find it full are lost and will be
  // repeated by the next packet).
  virtual size_t take_wanted(std::span<WantedNeighbor> out) = 0;
  // The same for host names that nobody has resolved.
  virtual size_t take_wanted_names(std::span<WantedName> out) = 0;
  // The same for backends that an ICMP error called unreachable: each deserves a probe now, and no more (LBG-21).
  virtual size_t take_unreachable(std::span<net::Endpoint>) { return 0; }
};

}  // namespace viaduct::dpdk
