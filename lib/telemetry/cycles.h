// Where a worker's cycles go.
//
// Reading the time-stamp counter costs some 20 cycles, a message some 1,000: so every 64th burst is timed stage by
// stage and the others are not, and the figures are cheap enough to stay on. A worker's busy share is that of the last
// whole window of about a second, with one reading a loop.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#if !defined(__x86_64__)
#include <chrono>
#endif

#include "telemetry/counters.h"

namespace viaduct::telemetry {

inline uint64_t cycles_now() {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#else
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

inline constexpr std::array<std::string_view, stage_count> stage_names = {"receive", "frame",   "parse", "hash",
                                                                          "decide",  "rewrite", "send"};

// Times the stages of a burst, if it is one of those that are timed. Thread: the worker.
class StageClock {
 public:
  static constexpr uint64_t bursts_between = 64;

  explicit StageClock(WorkerCounters& counters) : counters_(counters) {}

  // Before a burst is asked for.
  void begin() {
    running_ = left_ == 0;
    if (running_) last_ = cycles_now();
  }
  // What has passed since `begin` or the last lap was spent on `stage`.
  void lap(Stage stage) {
    if (!running_) [[likely]]
      return;
    const uint64_t now = cycles_now();
    spent_[static_cast<size_t>(stage)] += now - last_;
    last_ = now;
  }
  // After the burst; `messages` 0: there was none, and the next one is timed.
  void end(size_t messages) {
    if (messages == 0) {
      if (running_) spent_ = {};
      return;
    }
    if (!running_) [[likely]] {
      --left_;
      return;
    }
    for (size_t i = 0; i < stage_count; ++i) counters_.stage_cycles[i].add(spent_[i]);
    counters_.stage_messages.add(messages);
    spent_ = {};
    left_ = bursts_between - 1;
  }

 private:
  WorkerCounters& counters_;
  bool running_ = false;
  uint64_t left_ = 0;  // bursts until the next one that is timed
  uint64_t last_ = 0;
  std::array<uint64_t, stage_count> spent_{};
};

// Tells busy loops from idle ones. Thread: the worker.
class BusyClock {
 public:
  static constexpr uint64_t window_cycles = uint64_t{1} << 31;  // about a second

  explicit BusyClock(WorkerCounters& counters) : counters_(counters), last_(cycles_now()) {}

  // After each loop, with what is the time then. Time since the loop before belongs to this one, sleeps too.
  void loop(bool busy, uint64_t now = cycles_now()) {
    total_ += now - last_;
    if (busy) busy_ += now - last_;
    last_ = now;
    if (total_ < window_cycles) [[likely]]
      return;
    counters_.window_busy.set(busy_);
    counters_.window_cycles.set(total_);
    total_ = busy_ = 0;
  }

 private:
  WorkerCounters& counters_;
  uint64_t last_;
  uint64_t total_ = 0, busy_ = 0;  // of the window that has begun
};

// Bursts by size: 1, 2 to 3, 4 to 7, ... , 64.
inline constexpr std::array<std::string_view, burst_size_count> burst_size_names = {"1",     "2-3",   "4-7", "8-15",
                                                                                    "16-31", "32-63", "64"};
constexpr size_t burst_size_index(size_t packets) {
  const auto index = static_cast<size_t>(std::bit_width(packets)) - 1;
  return index < burst_size_count ? index : burst_size_count - 1;
}

}  // namespace viaduct::telemetry
