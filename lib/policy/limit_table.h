// Who sends how much, in memory that does not grow.
//
// A limit is a token bucket, kept as the generic cell rate algorithm keeps it (ITU-T I.371): one number a key, the time
// at which the bucket would be full again. A message that finds that time more than a burst ahead is over the limit and
// moves nothing; every other moves it one interval on. The number is atomic and shared by all workers, so that a
// source's calls, which the hand-off spreads over them, have one budget.
//
// Whose time has passed has a full bucket, and so has a key that nobody knows: forgetting the one is free. The table is
// an array of sets of eight slots. A new key takes the slot of its set that is soonest full: an idle one if there is
// one, which loses nothing, else that of the smallest sender. A sender at its limit is a whole burst ahead, so a flood
// of keys that come once each, however many, pushes the other small ones out and never him. What is approximated is
// only this: in a set whose eight keys are all busy, the least busy starts anew with a full bucket.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace viaduct::policy {

struct LimitRate {
  uint64_t interval_ns = 1;  // between two messages at the limit
  uint64_t burst_ns = 0;     // how far ahead the bucket may be: (burst - 1) intervals

  static LimitRate of(uint32_t count, std::chrono::nanoseconds time, uint32_t burst) {
    const auto interval = static_cast<uint64_t>(time.count()) / (count == 0 ? 1 : count);
    const uint64_t each = interval == 0 ? 1 : interval;
    return {each, each * (burst == 0 ? 0 : burst - 1)};
  }
};

// A key as it is hashed and shown: an address, a prefix, a user, a pool.
struct LimitKey {
  uint64_t hash = 0;       // keyed where the sender chooses the key
  std::string_view label;  // cut off behind `label_max` octets
};

class LimitTable {
 public:
  static constexpr size_t label_max = 24;
  static constexpr size_t ways = 8;

  // `entries` is rounded up to a power of two. Thread: control. Allocates 64 octets an entry.
  explicit LimitTable(size_t entries);

  // True if the message is over the limit. `now_ns` may not go back by more than a burst. Thread: any worker.
  bool take(const LimitKey& key, const LimitRate& rate, uint64_t now_ns);

  // What is known of a key that has sent something lately.
  struct Row {
    std::string label;
    double per_second = 0;  // of the last whole second or the one under way
    uint64_t over = 0;      // messages over the limit since the key is known
  };
  // The busiest first, at most `count`. Thread: control; allocates.
  std::vector<Row> top(size_t count, uint64_t now_ns) const;

  size_t capacity() const { return sets_ * ways; }
  static size_t capacity_for(size_t entries) { return std::bit_ceil(entries < ways ? ways : entries); }
  size_t bytes() const;

 private:
  // For show; two workers at once may lose a count.
  struct Shown {
    std::atomic<uint64_t> over{0};
    std::atomic<uint32_t> second{0};  // of `count`
    std::atomic<uint32_t> count{0};
    std::atomic<uint32_t> count_before{0};  // in the second before
    std::atomic<uint32_t> label_size{0};
    std::array<std::atomic<uint64_t>, label_max / 8> label{};
  };
  // What decides lies together: a line of keys, and a line of their buckets.
  struct alignas(64) Set {
    std::array<std::atomic<uint64_t>, ways> hash{};     // 0: never used
    std::array<std::atomic<uint64_t>, ways> full_at{};  // ns
    std::array<Shown, ways> shown;
  };

  static size_t way_of(Set& set, const LimitKey& key, uint64_t now_ns);
  static void begin(Set& set, size_t way, uint64_t hash, const LimitKey& key, uint64_t now_ns);
  static void note(Shown& shown, uint64_t now_ns, bool over);

  size_t sets_;  // a power of two
  std::unique_ptr<Set[]> table_;
};

}  // namespace viaduct::policy
