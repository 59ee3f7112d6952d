// Whether a worker keeps up.
//
// A queue that is found full now and then is a queue at work; one that never runs empty for a while is a standing queue
// (K. Nichols and V. Jacobson, "Controlling Queue Delay", 2012): more comes than goes, and soon what comes is lost by
// the port, whatever it is. How much waits in a port's queue cannot be asked everywhere, but a poll that returns half a
// burst or more has left something or is about to find something: bursts get that large only when some 98 of 100 cycles
// are spent on messages. So a worker is flooded when for `after` no poll has returned less, and is not any more when
// for `calm` it has not been so again.
//
// While it is flooded, what changes nothing for messages is left undone (telemetry::optional_work), and where the
// operator allows it, a share of new work is refused, which rises step by step while the queue stands and falls more
// slowly when it does not.
#pragma once

#include <algorithm>
#include <cstdint>

#include "dataplane/packet.h"

namespace viaduct::dataplane {

struct FloodLimits {
  uint64_t after_ns = 50'000'000;
  uint64_t calm_ns = 1'000'000'000;
  uint32_t shed_percent_max = 0;  // of new work, refused while flooded; 0: none
};

class FloodWatch {
 public:
  static constexpr size_t standing_burst = burst_max / 2;
  static constexpr uint64_t step_ns = 100'000'000;
  static constexpr uint32_t steps_up = 8, steps_down = 16;

  // After a turn. `stands`: a poll in it returned `standing_burst` or more. True: one of the figures below is another
  // now. A worker that keeps up does not look at the clock.
  template <class Clock>
  bool turn(bool stands, const FloodLimits& limits, const Clock& now_ns) {
    if (!stands && !flooded_ && percent_ == 0) [[likely]] {
      since_ns_ = 0;
      return false;
    }
    return look(stands, limits, now_ns());
  }

  bool flooded() const { return flooded_; }
  uint32_t percent() const { return percent_; }  // of new work to be refused

 private:
  bool look(bool stands, const FloodLimits& limits, uint64_t now_ns) {
    const bool was_flooded = flooded_;
    const uint32_t was_percent = percent_;
    since_ns_ = !stands ? 0 : since_ns_ == 0 ? now_ns : since_ns_;
    const bool standing = stands && now_ns - since_ns_ >= limits.after_ns;
    if (standing) last_ns_ = now_ns;
    flooded_ = standing || (flooded_ && now_ns - last_ns_ < limits.calm_ns);
    if (now_ns >= next_step_ns_) step(standing, limits.shed_percent_max, now_ns);
    percent_ = std::min(percent_, limits.shed_percent_max);
    return flooded_ != was_flooded || percent_ != was_percent;
  }

  void step(bool standing, uint32_t most, uint64_t now_ns) {
    if (!standing && percent_ == 0) return;
    const uint32_t up = (most + steps_up - 1) / steps_up, down = std::max(1U, most / steps_down);
    percent_ = standing ? percent_ + up : percent_ - std::min(percent_, down);
    next_step_ns_ = now_ns + step_ns;
  }

  bool flooded_ = false;
  uint32_t percent_ = 0;
  uint64_t since_ns_ = 0;  // the queue stands; 0: it does not
  uint64_t last_ns_ = 0;   // it stood for long enough
  uint64_t next_step_ns_ = 0;
};

}  // namespace viaduct::dataplane
