// Time that never jumps, and that a test can hold still.
//
// Whatever waits, expires or measures takes its clock as a parameter, so that tests turn the hands themselves
// (tests/support/manual_clock.h) instead of sleeping.
#pragma once

#include <chrono>
#include <concepts>

namespace viaduct::core {

using Instant = std::chrono::steady_clock::time_point;
static_assert(std::same_as<Instant::duration, std::chrono::nanoseconds>);

template <class T>
concept Clock = requires(const T& clock) {
  { clock.now() } -> std::same_as<Instant>;
};

// The machine's monotonic clock; a vDSO read, some 25 ns. On the hot path read it at most once a burst.
struct SteadyClock {
  Instant now() const { return std::chrono::steady_clock::now(); }
};
static_assert(Clock<SteadyClock>);

}  // namespace viaduct::core
