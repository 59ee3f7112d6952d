// When calls are due: an open loop, whose schedule knows nothing of answers.
//
// So many should have been started by now; whatever is missing is due at once. The first call is due when the schedule
// begins, and call k once the rate has made up k calls: so a second at 100 calls a second has 100. A generator that
// falls behind its schedule by more than `patience` gives the rest up (and says so) instead of sending a burst that
// nobody ordered.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace viaduct::blast {

struct Schedule {
  bool as_fast_as_possible = false;
  double rate = 0;           // calls a second at the start
  double rate_end = 0;       // and at the end of `duration_ns`; the same but for a ramp
  uint64_t duration_ns = 0;  // 0: until all calls are started
  uint64_t calls = UINT64_MAX;
};

class Pacer {
 public:
  static constexpr double patience_s = 0.05;

  explicit Pacer(const Schedule& schedule) : schedule_(schedule), total_(total_of(schedule)) {}

  void begin(uint64_t now_ns) { begin_ = now_ns; }

  // How many calls are to be started now, at most `most`; `started` is then called with how many were.
  uint64_t due(uint64_t now_ns, uint64_t most) {
    if (over(now_ns)) return 0;
    const uint64_t left = schedule_.calls - started_;
    if (schedule_.as_fast_as_possible) return std::min(left, most);
    const double seconds = static_cast<double>(std::min(now_ns - begin_, end_after())) * 1e-9;
    const uint64_t scheduled = std::min(static_cast<uint64_t>(calls_by(seconds)) + 1, total_);
    if (scheduled <= started_ + skipped_) return 0;
    uint64_t missing = scheduled - started_ - skipped_;
    const auto bearable = static_cast<uint64_t>(rate_at(seconds) * patience_s) + most;
    if (missing > bearable) {
      skipped_ += missing - bearable;
      missing = bearable;
    }
    return std::min({missing, left, most});
  }
  void started(uint64_t calls) { started_ += calls; }

  // The schedule has ended: all calls are started or given up, or what is missing has been so for too long.
  bool over(uint64_t now_ns) const {
    if (started_ >= schedule_.calls) return true;
    const uint64_t passed = now_ns - begin_;
    if (passed < end_after()) return false;
    return schedule_.as_fast_as_possible || started_ + skipped_ >= total_ || passed - end_after() >= patience_ns;
  }
  // What is missing at the end is given up.
  void close() {
    if (total_ != UINT64_MAX) skipped_ = std::max(skipped_, std::min(total_, schedule_.calls) - started_);
  }

  // Calls that were due and given up.
  uint64_t skipped() const { return skipped_; }

 private:
  static constexpr auto patience_ns = static_cast<uint64_t>(patience_s * 1e9);

  static uint64_t total_of(const Schedule& schedule) {
    if (schedule.duration_ns == 0 || schedule.as_fast_as_possible) return UINT64_MAX;
    const double seconds = static_cast<double>(schedule.duration_ns) * 1e-9;
    // A product such as 0.1 x 30 must not make one call more for its last binary digit.
    return static_cast<uint64_t>(std::ceil((schedule.rate + schedule.rate_end) / 2 * seconds * (1 - 1e-12)));
  }
  uint64_t end_after() const { return schedule_.duration_ns == 0 ? UINT64_MAX : schedule_.duration_ns; }
  double rate_at(double seconds) const {
    if (schedule_.duration_ns == 0) return schedule_.rate;
    const double share = seconds / (static_cast<double>(schedule_.duration_ns) * 1e-9);
    return schedule_.rate + (schedule_.rate_end - schedule_.rate) * share;
  }
  double calls_by(double seconds) const { return (schedule_.rate + rate_at(seconds)) / 2 * seconds; }

  Schedule schedule_;
  uint64_t total_;  // calls in its whole duration
  uint64_t begin_ = 0;
  uint64_t started_ = 0;
  uint64_t skipped_ = 0;
};

}  // namespace viaduct::blast
