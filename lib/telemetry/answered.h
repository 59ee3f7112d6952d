// Which transactions have been seen lately, when their requests left, and how far they have come.
//
// So a copy is not taken for another request and leaves with the time of the first one, byte for byte the same; nor is
// a repeated answer taken for another answer. It may forget: a table of 16,384 lines, each a queue of eight
// transactions where the newest pushes out the oldest. What is forgotten is counted once more, and a copy leaves with a
// time of its own; nothing that happens to messages depends on it. An entry knows 49 bits of its transaction, of which
// the branch gives 35: a stranger is taken for one of its line once in 2^18 at the worst, and then costs a figure.
#pragma once

#include <smmintrin.h>

#include <algorithm>
#include <array>
#include <bit>
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
    if (const unsigned found = find(entries, key); found != 0) {
      uint64_t& entry = entries[static_cast<size_t>(std::countr_zero(found))];
      const uint64_t known = entry & steps;
      if ((step & asked) && !(known & asked)) entry = (entry & ~time_mask) | time << step_bits;
      entry |= step;
      return known;
    }
    const Entries older = entries;
    std::copy(older.begin(), older.end() - 1, entries.begin() + 1);
    entries[0] = tag_of(key) << (step_bits + time_bits) | time << step_bits | step;
    return 0;
  }

  // When its request left, if that is known.
  struct Time {
    bool known = false;
    uint64_t time = 0;
  };
  Time asked_at(uint64_t key) const {
    const Entries& entries = line_of(key).entries;
    const unsigned found = find(entries, key);
    if (found == 0) return {};
    const uint64_t entry = entries[static_cast<size_t>(std::countr_zero(found))];
    return {(entry & asked) != 0, (entry & time_mask) >> step_bits};
  }

 private:
  static constexpr unsigned line_bits = 14, tag_bits = 64 - step_bits - time_bits;
  static constexpr uint64_t time_mask = ((uint64_t{1} << time_bits) - 1) << step_bits;
  using Entries = std::array<uint64_t, 8>;
  struct alignas(64) Line {
    Entries entries{};
  };
  // Which entry is the key's: a bit, or none. All are looked at side by side: where in its line a transaction lies, or
  // that it is new, cannot be predicted.
  static unsigned find(const Entries& entries, uint64_t key) {
    const __m128i tag = _mm_set1_epi64x(static_cast<long long>(tag_of(key)));
    const auto equal = [&](size_t at) {
      const __m128i two = _mm_load_si128(reinterpret_cast<const __m128i*>(&entries[at]));
      return _mm_cmpeq_epi64(_mm_srli_epi64(two, step_bits + time_bits), tag);
    };
    const __m128i first = _mm_packs_epi32(equal(0), equal(2)), last = _mm_packs_epi32(equal(4), equal(6));
    const __m128i all = _mm_packs_epi16(_mm_packs_epi32(first, last), _mm_setzero_si128());
    return static_cast<unsigned>(_mm_movemask_epi8(all));
  }
  const Line& line_of(uint64_t key) const { return lines_[key >> (64 - line_bits)]; }
  // Bits that do not choose the line; never 0, which is a free entry's.
  static uint64_t tag_of(uint64_t key) {
    return (key >> (64 - line_bits - tag_bits) & ((uint64_t{1} << tag_bits) - 1)) | 1;
  }

  std::vector<Line> lines_;
};

}  // namespace viaduct::telemetry
