// A clock whose hands the test turns.
#pragma once

#include <chrono>

#include "core/clock.h"

namespace viaduct::test {

class ManualClock {
 public:
  core::Instant now() const { return now_; }
  void advance(std::chrono::nanoseconds time) { now_ += time; }

 private:
  core::Instant now_{std::chrono::hours(1)};  // not the epoch, so that "never" and "just now" differ
};
static_assert(core::Clock<ManualClock>);

}  // namespace viaduct::test
