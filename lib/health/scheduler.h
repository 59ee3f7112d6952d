// When to probe whom, and what the outcomes mean: no sockets, no clock of its own.
//
//   send ───────────── period ≤ interval ──────────── send ─ ─ ─
//   │<── timeout ──>│ miss                            │
//
// Every period is the interval less up to a tenth, by a hash of the backend's name and the number of the probe:
// backends are not probed in step, and a run repeats to the byte. Because jitter only shortens, a backend that dies is
// seen dead within fall * interval + timeout.
//
// A hint (an ICMP error, silence under load) makes one more probe due now. Its outcome counts like any other; the hint
// itself does not, so whoever forges hints buys probes, at most one a timeout.
//
// The judge must not be the one who slept. If `turn` comes much later than it was asked for, answers may have been lost
// or waited for in vain here, so probes that expired meanwhile say nothing about the backends: they are forgotten, and
// everybody stays what he was (fail static).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "health/rise_fall.h"

namespace viaduct::health {

struct Timing {
  std::chrono::milliseconds interval{2000};
  std::chrono::milliseconds timeout{1000};
  uint32_t rise = 2;
  uint32_t fall = 3;
  bool operator==(const Timing&) const = default;
};

class Scheduler {
 public:
  using Target = uint32_t;
  struct Limits {
    size_t outstanding_max = 512;          // probes under way, over all targets; further ones wait
    std::chrono::milliseconds stall{250};  // `turn` later than this is a stall of ours
  };
  struct Probe {
    Target target;
    uint64_t number;  // unique while the process lives
  };
  struct Change {
    Target target;
    bool healthy;
  };
  struct Turn {
    std::vector<Probe> send;
    std::vector<Probe> missed;     // expired, and counted
    std::vector<Probe> forgotten;  // expired while we slept
    std::vector<Change> changes;
  };

  Scheduler() : Scheduler(Limits()) {}
  explicit Scheduler(const Limits& limits) : limits_(limits) {}

  // The first probe goes out within one interval, at a moment of the name's own.
  Target add(std::string_view name, const Timing& timing, bool healthy, core::Instant now);
  void remove(Target target);  // its probes under way are forgotten

  // What is due. Cheap when nothing is.
  Turn turn(core::Instant now);
  // The answer to a probe. A change if it was under way and made one; answers to others are stale and mean nothing.
  std::optional<Change> answered(uint64_t number, bool accepted);
  // The probe could not be sent for a reason of ours: as if it had never been due.
  void withdraw(uint64_t number) { outstanding_.erase(number); }
  // True if an extra probe is due for it now.
  bool hint(Target target, core::Instant now);

  core::Instant next() const { return next_; }  // when `turn` wants to be called
  bool healthy(Target target) const { return targets_.at(target).state.healthy(); }
  uint32_t against(Target target) const { return targets_.at(target).state.against(); }
  size_t outstanding() const { return outstanding_.size(); }
  size_t size() const { return targets_.size(); }

 private:
  struct Entry {
    Timing timing;
    RiseFall state;
    uint64_t seed;
    uint64_t count = 0;  // regular probes sent
    core::Instant due{};
    core::Instant hinted_at{};
    bool hinted = false;
  };
  struct Outstanding {
    Target target;
    core::Instant deadline;
  };
  static std::chrono::nanoseconds period_of(const Entry& entry);
  void expire(core::Instant now, bool stalled, Turn& turn);
  void send(Target target, Entry& entry, core::Instant now, Turn& turn);
  void plan(core::Instant now);

  Limits limits_;
  std::map<Target, Entry> targets_;
  std::map<uint64_t, Outstanding> outstanding_;
  core::Instant next_ = core::Instant::max();
  Target next_target_ = 0;
  Target first_to_serve_ = 0;  // so that a full house does not always turn away the same ones
  uint64_t next_number_ = 1;
};

}  // namespace viaduct::health
