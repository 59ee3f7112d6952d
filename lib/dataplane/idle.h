// What a worker does when there is nothing to do.
//
// `poll` never sleeps: a core of its own, the lowest latency. `adaptive` climbs a ladder: some empty loops without a
// sleep, so that a gap inside a burst costs nothing, then sleeps that double from 1 µs to about 100 µs; one packet
// brings it down again. The longest sleep times the packet rate must stay far below a receive ring (1,024 descriptors
// last 100 µs up to 10 million packets/s).
#pragma once

#include <cstdint>

namespace viaduct::dataplane {

enum class Idle : uint8_t { poll, adaptive };

class IdleLadder {
 public:
  explicit IdleLadder(Idle idle) : idle_(idle) {}

  // Something was done: back to the foot of the ladder.
  void busy() { empty_loops_ = 0; }

  // A loop found nothing. Sleeps or not; true if it slept.
  bool empty();

  // The next sleep in nanoseconds; 0: none yet.
  uint32_t next_sleep_ns() const;

 private:
  Idle idle_;
  uint32_t empty_loops_ = 0;
};

// Without this the kernel lengthens every sleep by 50 µs (the default timer slack). Thread: a worker, once, at its
// start.
void allow_short_sleeps();

}  // namespace viaduct::dataplane
