// One run at one schedule, from the first call to the last answer.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "blast/pacer.h"
#include "blast/station.h"
#include "blast/uac.h"
#include "blast/uas.h"
#include "control/guard_socket.h"
#include "control/ingress_filter.h"
#include "core/result.h"
#include "dpdk/wire.h"
#include "options.h"

namespace viaduct::viablast {

using Station = blast::Station<dpdk::Wire::Io>;

// What one run leaves behind. Callers and reflector are there if the options have them; a device's station serves both
// where they share it.
struct Trial {
  std::unique_ptr<blast::Uac> uac;
  std::unique_ptr<blast::Uas> uas;
  std::unique_ptr<blast::Pacer> pacer;
  std::vector<std::unique_ptr<Station>> stations;  // by port
  double seconds = 0;                              // from the first call to the end of the schedule
  double wanted_rate = 0;                          // 0: as fast as possible
  bool flood = false, sink = false;
  bool interrupted = false;
  std::vector<dpdk::PortStatistics> devices;  // what was counted meanwhile, by port
  bool ended_by_number = false;               // not by its duration

  const blast::StationCounters* uac_station() const { return uac ? &stations.front()->counters() : nullptr; }
  const blast::StationCounters* uas_station() const { return uas || sink ? &stations.back()->counters() : nullptr; }

  uint64_t sent() const;      // transactions; in a flood, frames
  uint64_t answered() const;  // with a final answer; in a flood, frames that came to the sink
  uint64_t lost() const;
  uint64_t refused() const { return uac ? uac->counters().refused.value() : 0; }
  uint64_t misrouted() const;
  uint64_t bad_checksums() const;
  double loss() const;  // share of what was sent that was lost or refused
  // A number of calls ends with the last of them, which has no interval behind it.
  double rate() const {
    const uint64_t intervals = started() - (ended_by_number && started() != 0 ? 1 : 0);
    return seconds > 0 && uac ? static_cast<double>(intervals) / seconds : 0;
  }
  uint64_t started() const { return uac ? uac->counters().calls.value() : 0; }
  bool closes() const;
};

// Devices, cores and neighbours, opened once.
class Bench {
 public:
  static core::Result<std::unique_ptr<Bench>> open(const Options& options);

  // Runs to its end; `live` is called each second meanwhile. With the first `interrupts` no more calls start, and those
  // under way are waited for as at the end; with the second it ends at once, and so does a reflector with the first.
  using Live = std::function<void(const Trial&, double seconds)>;
  core::Result<Trial> run(const blast::Schedule& schedule, const std::atomic<int>& interrupts, const Live& live);

  const dpdk::Wire& wire() const { return *wire_; }

 private:
  struct Shared;
  explicit Bench(const Options& options) : options_(options) {}
  core::Status open_wire();
  core::Status await_links();
  core::Status find_neighbors();
  core::Status guard_ports();
  void filter_ingress(std::span<const net::Endpoint> endpoints);
  size_t uas_port() const { return options_.calls() && !options_.one_device() ? 1 : 0; }
  core::Result<Trial> prepare(const blast::Schedule& schedule);
  void work(Trial& trial, size_t core, Shared& shared);
  void wait(Trial& trial, const blast::Schedule& schedule, Shared& shared, const std::atomic<int>& interrupts,
            const Live& live);

  const Options options_;
  std::unique_ptr<dpdk::Wire> wire_;
  net::Mac own_mac_, gateway_mac_;
  std::vector<control::GuardSocket> guards_;
  std::optional<control::IngressFilter> ingress_filter_;
  uint32_t run_ = 0, runs_ = 0;  // the last one's number, and how many there were
  uint64_t opened_ns_ = 0;
  uint64_t first_begin_ns_ = 0;  // of the first run, from which the time limit counts
};

}  // namespace viaduct::viablast
