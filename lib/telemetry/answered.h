// Which transactions have been seen lately, when their requests left, and how far they have come.
//
// So a copy is not taken for another request and leaves with the time of the first one, byte for byte the same; nor is
// a repeated answer taken for another answer. It may forget: a table of 16,384 lines, each a queue of eight
// transactions where the newest pushes out the oldest. What is forgotten is counted once more, and a copy leaves with a
// time of its own; nothing that happens to messages depends on it. An entry knows 49 bits of its transaction, of which
// the branch gives 35: a stranger is taken for one of its line once in 2^18 at the worst, and then costs a figure.
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
  static constexpr unsigned step_bits = 3, time_bits = 26;
  static constexpr uint64_t steps = asked | first | final;
  static constexpr size_t line_count = size_t{1} << 14;

  // `on` false: it has no room, and nothing may be added or asked.
  explicit Answered(bool on) : lines_(on ? line_count : 0) {}

  // A key from a mark of the branch and what else tells transactions apart: CANCEL has its INVITE's branch.
  static uint64_t key_of(uint64_t mark, uint64_t method) { return (mark ^ method << 56) * 0x9e3779b97f4a7c15; }

  void prefetch(uint64_t key) const { __builtin_prefetch(&line_of(key), 1); }

  // What was known of a transaction, to which `step` is added now; 0: nothing. `time` (26 bits) is kept of its request.
  uint64_t add(uint64_t key, uint64_t step, uint64_t time = 0) {
    auto& entries = lines_[key >> (64 - line_bits)].entries;
    for (uint64_t& entry : entries) {
      if (entry >> (step_bits + time_bits) != tag_of(key)) continue;
      const uint64_t known = entry & steps;
      if ((step & asked) && !(known & asked)) entry = (entry & ~time_mask) | time << step_bits;
      entry |= step;
      return known;
    }
    for (size_t i = entries.size() - 1; i > 0; --i) entries[i] = entries[i - 1];
    entries[0] = tag_of(key) << (step_bits + time_bits) | time << step_bits | step;
    return 0;
  }

  // When its request left, if that is known.
  struct Time {
    bool known = false;
    uint64_t time = 0;
  };
  Time asked_at(uint64_t key) const {
    for (const uint64_t entry : line_of(key).entries) {
      if (entry >> (step_bits + time_bits) == tag_of(key) && (entry & asked)) {
        return {true, (entry & time_mask) >> step_bits};
      }
    }
    return {};
  }

 private:
  static constexpr unsigned line_bits = 14, tag_bits = 64 - step_bits - time_bits;
  static constexpr uint64_t time_mask = ((uint64_t{1} << time_bits) - 1) << step_bits;
  struct alignas(64) Line {
    std::array<uint64_t, 8> entries{};
  };
  const Line& line_of(uint64_t key) const { return lines_[key >> (64 - line_bits)]; }
  // Bits that do not choose the line; never 0, which is a free entry's.
  static uint64_t tag_of(uint64_t key) {
    return (key >> (64 - line_bits - tag_bits) & ((uint64_t{1} << tag_bits) - 1)) | 1;
  }

  std::vector<Line> lines_;
};

}  // namespace viaduct::telemetry
