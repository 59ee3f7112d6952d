// A scale for times from microseconds to minutes.
//
// Sixteen steps to each doubling: a step is at most a sixteenth of its value wide, so that its middle is within 3 % of
// everything in it, and 352 counters reach from 16 us to 9 minutes (the idea of Gil Tene's HdrHistogram).
#pragma once

#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace viaduct::telemetry {

struct LatencyScale {
  static constexpr unsigned tick_shift = 14;  // a tick is 2^14 ns
  static constexpr unsigned value_bits = 25;  // larger ones are counted as the largest
  static constexpr uint32_t steps = 16;
  static constexpr size_t bucket_count = (value_bits - 3) * steps;

  static constexpr size_t bucket_of(uint32_t ticks) {
    if (ticks < steps) return ticks;
    if (ticks >> value_bits != 0) return bucket_count - 1;
    const auto octave = static_cast<unsigned>(std::bit_width(ticks)) - 5;
    return octave * steps + (ticks >> octave);
  }
  // The least value of a bucket; of `bucket_count`, where the scale ends.
  static constexpr uint32_t begin_of(size_t bucket) {
    if (bucket < 2 * steps) return static_cast<uint32_t>(bucket);
    const auto octave = static_cast<unsigned>(bucket / steps) - 1;
    return static_cast<uint32_t>((steps + bucket % steps) << octave);
  }
  static constexpr double milliseconds(double ticks) { return ticks * (1 << tick_shift) / 1e6; }
};
static_assert(LatencyScale::bucket_of((1u << LatencyScale::value_bits) - 1) == LatencyScale::bucket_count - 1);
static_assert(LatencyScale::begin_of(LatencyScale::bucket_count) == 1u << LatencyScale::value_bits);

}  // namespace viaduct::telemetry
