// How fast backends answer, over all workers: since the start, and lately.
//
// Workers count without end. So now and then what they have counted is put aside, and the difference tells of the last
// half minute to minute. Thread: control.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "dataplane/watch.h"
#include "telemetry/latency_table.h"

namespace viaduct::control {

// By the backend's identity and the method.
using LatencyRows = std::map<std::pair<uint32_t, uint32_t>, telemetry::LatencyRow>;

// The sum over the workers.
LatencyRows latency_rows(std::span<const dataplane::Watch* const> watches);

// The value in milliseconds that `share` of all do not exceed, 0 if there are none; and how many there are.
double latency_quantile_ms(const telemetry::LatencyRow::Histogram& histogram, double share);
uint64_t latency_count(const telemetry::LatencyRow::Histogram& histogram);
double latency_sum_ms(const telemetry::LatencyRow::Histogram& histogram);
// How many do not exceed `most`, to the step of the scale.
uint64_t latency_up_to(const telemetry::LatencyRow::Histogram& histogram, std::chrono::milliseconds most);

class LatencyBook {
 public:
  static constexpr std::chrono::seconds interval{30};

  // Now and then.
  void turn(std::span<const dataplane::Watch* const> watches, core::Instant now);

  // Of what is counted by now (latency_rows), the last half minute to minute; all of it, while that is not over.
  LatencyRows recent(LatencyRows rows) const;

 private:
  core::Instant next_{};
  std::deque<LatencyRows> kept_;  // the oldest first, at most two
};

}  // namespace viaduct::control
