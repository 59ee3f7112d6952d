// Which transactions are under way: the one thing a worker remembers, and may forget.
//
// While the set of backends changes, RFC 3261 section 16.11 wants a transaction to stay where it is: a copy of the
// INVITE, its CANCEL and its ACK must reach the backend that got the INVITE, although a new call with the same key now
// goes elsewhere (rules LBG-01, LBG-03). The tables from before the change are kept for that (Pool::previous), and this
// table says to whom they still apply: our own branch is a pure function of the request and its next hop, so "was this
// sent to p1?" is "is the branch that it would have toward p1 in here?". Nothing else needs to be kept.
//
// Remembering costs one cache line a request, which is nearly never in the cache: it is asked for when a branch comes,
// and written to some requests later. Nobody ever forgets on purpose: a line is a queue of 16, and who comes in pushes
// the oldest out. 2^14 lines hold 262,144 transactions in 1 MiB. A full table, a restart or another core lose
// entries, and then the new table decides; in a steady state nothing depends on it. A tag is 31 bits of a keyed hash:
// a stranger is taken for one of its line once in 2^27.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace viaduct::proxy {

// Thread: one, its worker's.
class Transactions {
 public:
  Transactions() : lines_(line_count) {}

  // `branch`: 64 bits of our branch (Branch::hash).
  void remember(uint64_t branch) {
    __builtin_prefetch(&line_of(branch), 1);
    uint64_t& place = coming_[next_++ % coming_.size()];
    const uint64_t oldest = std::exchange(place, branch);
    if (oldest != 0) line_of(oldest).add(tag_of(oldest));
  }

  bool knows(uint64_t branch) const {
    bool comes = false;
    for (const uint64_t other : coming_) comes |= other == branch;
    return (comes && branch != 0) || lines_[branch % line_count].has(tag_of(branch));
  }

 private:
  static constexpr size_t line_count = size_t{1} << 14;

  struct alignas(64) Line {
    using Four = uint32_t __attribute__((vector_size(16)));

    std::array<uint32_t, 16> tags{};  // the newest first; 0: free

    bool has(uint32_t tag) const {
      Four same{};
      for (size_t i = 0; i < tags.size(); i += 4) same |= Four(four_at(i) == tag);
      uint64_t halves[2];
      std::memcpy(halves, &same, sizeof same);
      return (halves[0] | halves[1]) != 0;
    }
    void add(uint32_t tag) {
      if (has(tag)) return;
      const Four first = four_at(0), second = four_at(4), third = four_at(8), last = four_at(11);
      std::memcpy(&tags[1], &first, sizeof first);
      std::memcpy(&tags[5], &second, sizeof second);
      std::memcpy(&tags[9], &third, sizeof third);
      std::memcpy(&tags[12], &last, sizeof last);
      tags[0] = tag;
    }
    Four four_at(size_t index) const {
      Four four;
      std::memcpy(&four, &tags[index], sizeof four);
      return four;
    }
  };

  Line& line_of(uint64_t branch) { return lines_[branch % line_count]; }

  // Bits that do not choose the line; never 0.
  static uint32_t tag_of(uint64_t branch) { return static_cast<uint32_t>(branch >> 32) | 1; }

  std::vector<Line> lines_;
  std::array<uint64_t, 8> coming_{};  // branches on their way to their lines; 0: none
  size_t next_ = 0;
};

}  // namespace viaduct::proxy
