// How fast backends answer, over all workers: since the start, and lately.
//
// Workers count without end, and in 32 bits what an answer costs them most often. So now and then what they have
// counted is carried on in 64 bits, and put aside: the difference tells of the last half minute to minute. A worker all
// of whose rows are taken is given back those of backends that are no more. Thread: control.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "dataplane/watch.h"
#include "telemetry/latency_table.h"

namespace viaduct::control {

// What telemetry::LatencyRow has, in counters that do not wrap.
struct LatencyTotals {
  using Histogram = std::array<uint64_t, telemetry::LatencyScale::bucket_count>;

  uint64_t requests = 0, requests_again = 0, finals = 0, answers_again = 0, unmeasured = 0;
  Histogram first{}, final{};
  std::array<uint64_t, telemetry::status_count> by_status{};
};

// By the backend's identity and the method.
using LatencyRows = std::map<std::pair<uint32_t, uint32_t>, LatencyTotals>;

// The value in milliseconds that `share` of all do not exceed, 0 if there are none; and how many there are.
double latency_quantile_ms(const LatencyTotals::Histogram& histogram, double share);
uint64_t latency_count(const LatencyTotals::Histogram& histogram);
double latency_sum_ms(const LatencyTotals::Histogram& histogram);
// How many do not exceed `most`, to the step of the scale.
uint64_t latency_up_to(const LatencyTotals::Histogram& histogram, std::chrono::milliseconds most);

class LatencyBook {
 public:
  static constexpr std::chrono::seconds interval{30};

  // More often than the busiest counter of a worker wraps, which takes minutes at the least. `known`: whether there is
  // a backend of this identity.
  void turn(std::span<dataplane::Watch* const> watches, const std::function<bool(uint32_t)>& known, core::Instant now);

  // What all of these workers have counted by now.
  LatencyRows rows(std::span<const dataplane::Watch* const> watches) const;
  // Of what is counted by now (`rows`), the last half minute to minute; all of it, while that is not over.
  LatencyRows recent(LatencyRows rows) const;

 private:
  // A worker's row when it was last read.
  struct Reading {
    uint32_t version = 0, backend = 0, method = 0;
    LatencyTotals totals;
    bool given_back = false;
  };
  static std::optional<Reading> read(const telemetry::LatencyRow& row, const Reading* before);

  core::Instant next_{};
  std::map<const dataplane::Watch*, std::vector<Reading>> read_;  // by row, when `turn` did
  std::deque<LatencyRows> kept_;                                  // the oldest first, at most two
};

}  // namespace viaduct::control
