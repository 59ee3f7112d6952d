// Which transactions have been seen lately, and how far they have come: so that a copy is not taken for another request,
// nor a repeated answer for another answer.
//
// It may forget: a table of 16,384 lines, each a queue of eight transactions where the newest pushes out the oldest. What
// is forgotten is counted once more, and is not told apart from a first answer any longer; nothing that happens to
// messages depends on it. A mark is 58 bits of which the branch gives 35: a stranger is taken for one of its line once in
// 2^32.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace viaduct::telemetry {

// Thread: one.
class Answered {
 public:
  enum Step : uint64_t { asked = 1, first = 2, final = 4 };
  static constexpr uint64_t steps = asked | first | final;
  static constexpr size_t line_count = size_t{1} << 14;

  // `on` false: it has no room, and nothing may be added.
  explicit Answered(bool on) : lines_(on ? line_count : 0) {}

  // A key from a mark of the branch and what else tells transactions apart: CANCEL has its INVITE's branch.
  static uint64_t key_of(uint64_t mark, uint64_t method) {
    return (mark ^ method << 56) * 0x9e3779b97f4a7c15;
  }

  void prefetch(uint64_t key) const { __builtin_prefetch(&line_of(key), 1); }

  // What was known of a transaction, to which `step` is added now; 0: nothing.
  uint64_t add(uint64_t key, uint64_t step) {
    auto& entries = lines_[key >> (64 - line_bits)].entries;
    const uint64_t tag = key << 3;
    for (uint64_t& entry : entries) {
      if ((entry & ~steps) != tag) continue;
      const uint64_t known = entry & steps;
      entry |= step;
      return known;
    }
    for (size_t i = entries.size() - 1; i > 0; --i) entries[i] = entries[i - 1];
    entries[0] = tag | step;
    return 0;
  }

 private:
  static constexpr unsigned line_bits = 14;
  struct alignas(64) Line {
    std::array<uint64_t, 8> entries{};
  };
  const Line& line_of(uint64_t key) const { return lines_[key >> (64 - line_bits)]; }

  std::vector<Line> lines_;
};

}  // namespace viaduct::telemetry
