#include "health/scheduler.h"

#include <algorithm>

#include "core/fnv.h"

namespace viaduct::health {
namespace {

using std::chrono::nanoseconds;

constexpr int64_t jitter_divisor = 10;  // periods are shorter than the interval by up to a tenth
constexpr uint64_t fraction_steps = 1024;

uint64_t mix(uint64_t x) {  // the finalizer of SplitMix64
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

uint64_t hash_of(std::string_view name) { return mix(core::fnv1a(name)); }

// `time` times a number from 0 to 1023/1024 that depends on `hash`.
nanoseconds part_of(nanoseconds time, uint64_t hash) {
  return time / static_cast<int64_t>(fraction_steps) * static_cast<int64_t>(hash % fraction_steps);
}

}  // namespace

nanoseconds Scheduler::period_of(const Entry& entry) {
  const nanoseconds interval = entry.timing.interval;
  return interval - part_of(interval / jitter_divisor, mix(entry.seed + entry.count));
}

Scheduler::Target Scheduler::add(std::string_view name, const Timing& timing, bool healthy, core::Instant now) {
  Entry entry{.timing = timing, .state = RiseFall(timing.rise, timing.fall, healthy), .seed = hash_of(name)};
  entry.due = now + part_of(timing.interval, entry.seed);
  next_ = std::min(next_, entry.due);
  targets_.emplace(next_target_, std::move(entry));
  return next_target_++;
}

void Scheduler::remove(Target target) {
  targets_.erase(target);
  std::erase_if(outstanding_, [&](const auto& probe) { return probe.second.target == target; });
}

Scheduler::Turn Scheduler::turn(core::Instant now) {
  Turn turn;
  if (now < next_) return turn;
  const bool stalled = now - next_ > limits_.stall;
  expire(now, stalled, turn);
  // Whoever is next after those served last comes first; a full house so serves all in turn.
  const auto serve = [&](auto begin, auto end) {
    for (auto at = begin; at != end; ++at) {
      auto& [target, entry] = *at;
      if (!entry.hinted && entry.due > now) continue;
      if (outstanding_.size() >= limits_.outstanding_max) {
        first_to_serve_ = target;
        return false;
      }
      send(target, entry, now, turn);
    }
    return true;
  };
  const auto middle = targets_.lower_bound(first_to_serve_);
  if (serve(middle, targets_.end())) serve(targets_.begin(), middle);
  plan(now);
  return turn;
}

void Scheduler::expire(core::Instant now, bool stalled, Turn& turn) {
  for (auto at = outstanding_.begin(); at != outstanding_.end();) {
    const auto [target, deadline] = at->second;
    if (deadline > now) {
      ++at;
      continue;
    }
    const uint64_t number = at->first;
    at = outstanding_.erase(at);
    Entry& entry = targets_.at(target);
    if (stalled) {
      turn.forgotten.push_back({target, number});
      entry.due = std::min(entry.due, now);  // asked again at once
      continue;
    }
    turn.missed.push_back({target, number});
    if (entry.state.take(false)) turn.changes.push_back({target, entry.state.healthy()});
  }
}

void Scheduler::send(Target target, Entry& entry, core::Instant now, Turn& turn) {
  if (entry.due <= now) {
    // Counted from when it was due, so that a late turn does not stretch the interval; but never two at once.
    const core::Instant planned = entry.due + period_of(entry);
    entry.due = planned > now ? planned : now + period_of(entry);
    ++entry.count;
  }
  entry.hinted = false;
  turn.send.push_back({target, next_number_});
  outstanding_.emplace(next_number_++, Outstanding{target, now + entry.timing.timeout});
}

void Scheduler::plan(core::Instant now) {
  next_ = core::Instant::max();
  for (const auto& [number, probe] : outstanding_) next_ = std::min(next_, probe.deadline);
  if (outstanding_.size() >= limits_.outstanding_max) return;
  for (const auto& [target, entry] : targets_) next_ = std::min(next_, entry.hinted ? now : entry.due);
}

std::optional<Scheduler::Change> Scheduler::answered(uint64_t number, bool accepted) {
  const auto probe = outstanding_.find(number);
  if (probe == outstanding_.end()) return std::nullopt;
  const Target target = probe->second.target;
  outstanding_.erase(probe);
  Entry& entry = targets_.at(target);
  if (!entry.state.take(accepted)) return std::nullopt;
  return Change{target, entry.state.healthy()};
}

bool Scheduler::hint(Target target, core::Instant now) {
  const auto found = targets_.find(target);
  if (found == targets_.end()) return false;
  Entry& entry = found->second;
  const bool too_soon = entry.hinted_at != core::Instant{} && now - entry.hinted_at < entry.timing.timeout;
  if (entry.hinted || too_soon) return false;
  entry.hinted = true;
  entry.hinted_at = now;
  next_ = std::min(next_, now);
  return true;
}

}  // namespace viaduct::health
