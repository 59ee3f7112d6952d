// [overload] for workers, and what they say about it. Thread: control.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "config/config.h"
#include "control/events.h"
#include "dataplane/overload.h"
#include "proxy/view.h"
#include "telemetry/counters.h"

namespace viaduct::control {

// For the next View, whose backends are `proxy`'s. What is counted of sources, and what backends have said, is taken
// over from `previous`.
std::shared_ptr<const dataplane::Overload> compile_overload(const config::Overload& config, const proxy::View& proxy,
                                                            const dataplane::Overload* previous);

// Tells of workers that cannot keep up, and of those that can again.
class FloodNews {
 public:
  // Now and then, with the counters of all workers in their order.
  void turn(std::span<const telemetry::WorkerCounters* const> workers, Events& events);

 private:
  struct Known {
    bool flooded = false;
    uint64_t floods = 0;
  };
  std::vector<Known> known_;
};

}  // namespace viaduct::control
