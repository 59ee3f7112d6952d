// Slow start: a backend that comes up gets its share step by step.
//
// A server that has just started has cold caches, empty pools of connections and no registrations in memory; its full
// share at once is what kills it again. With `slow_start = "30s"` it begins with 1/31 of its share and has all of it
// after 30 s, by a step each second:
//
//   part
//   whole  ┤                 ┌──── ─ ─
//          │             ┌───┘
//          │         ┌───┘
//          │     ┌───┘
//   0      ┼─────┘                        time since it came up
//
// Which slots those are is a hash of slot and name (steer/overlay.cc), so every node that saw it come up in the same
// second chooses alike. A slot that it has got it keeps. Pure but for what it remembers; the time is handed in.
// Thread: control.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>

#include "config/config.h"
#include "control/running.h"
#include "core/clock.h"
#include "proxy/view.h"

namespace viaduct::control {

// The part of its share that a backend takes so long after it came up.
steer::Part part_after(std::chrono::nanoseconds elapsed, std::chrono::milliseconds slow_start);

class WarmUp {
 public:
  // `after` takes the place of `before`: who takes new calls that did not starts slowly where its pool wants that.
  // Where nobody of the pool did, nobody can spare the others anything, and they are warm at once; so is everybody at
  // the start of the program, without a `before`. True if anybody has begun or ended by it.
  bool note(const config::Config& config, const proxy::View* before, const proxy::View& after, core::Instant now);
  // Writes everybody's part into `running`. The pools in which one has grown.
  std::set<std::string> advance(Running& running, core::Instant now);

 private:
  struct Ramp {
    core::Instant begin{};
    std::chrono::milliseconds length{0};
  };
  std::map<std::string, Ramp, std::less<>> ramps_;  // by backend_key
};

}  // namespace viaduct::control
