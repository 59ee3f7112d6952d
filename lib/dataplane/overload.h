// How much is too much: of our own answers to one source, of new work for one worker, for one backend.
#pragma once

#include <cstdint>
#include <memory>

#include "core/clock.h"
#include "dataplane/flood_watch.h"
#include "policy/limit_table.h"
#include "proxy/decision.h"
#include "proxy/shedding.h"
#include "sip/message.h"
#include "telemetry/counters.h"

namespace viaduct::dataplane {

struct View;

// The operator's settings, and what all workers share of them. The tables outlive Views.
struct Overload {
  policy::LimitRate answer_rate;
  std::shared_ptr<policy::LimitTable> answers;  // null: a source gets as many as it asks for
  std::shared_ptr<proxy::Feedback> feedback;    // null: no pool listens to its backends
  FloodLimits flood;
};

// A worker's part in it. Without `View::overload` none of it is called. Thread: the worker; no allocation.
class OverloadStage {
 public:
  explicit OverloadStage(telemetry::WorkerCounters& counters) : counters_(counters) {}

  // Once a burst, before the others: what decisions have to know; nullptr: there is nothing to shed.
  const proxy::Shedding* begin(const Overload& overload, core::Instant now);

  // A response is forwarded, and there is `overload.feedback`: its backend may have said how much it can take (OVL-03).
  void hear(const Overload& overload, const View& view, const sip::Message& message, const proxy::Decision& decision);

  // Whether an answer of ours would be one too many for who asked (LOC-14). Who is asked twice pays twice.
  bool is_over_budget(const Overload& overload, const View& view, const net::IpAddress& source);
  // As what such an answer is dropped.
  static telemetry::Reason silent(telemetry::Reason reason);

  // After each turn of the worker. `now` is called while there is a flood, or the end of one.
  template <class Now>
  void watch(bool stands, const Overload& overload, const Now& now) {
    if (flood_.turn(stands, overload.flood, [&] { return ns_of(now()); })) [[unlikely]]
      show();
  }

 private:
  static uint64_t ns_of(core::Instant time) { return static_cast<uint64_t>(time.time_since_epoch().count()); }
  void show();

  telemetry::WorkerCounters& counters_;
  uint64_t now_ns_ = 0;
  FloodWatch flood_;
  proxy::Shedding shedding_;
};

}  // namespace viaduct::dataplane
