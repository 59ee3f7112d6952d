// Which transactions are under way: the one thing a worker remembers, and may forget.
//
// While the set of backends changes, RFC 3261 section 16.11 wants a transaction to stay where it is: a copy of the
// INVITE, its CANCEL and its ACK must reach the backend that got the INVITE, although a new call with the same key now
// goes elsewhere (rules LBG-01, LBG-03). The tables from before the change are kept for that (Pool::previous), and this
// table says to whom they still apply: our own branch is a pure function of the request and its next hop, so "was this
// sent to p1?" is "is the branch that it would have toward p1 in here?". Nothing else needs to be kept.
//
// Remembering costs one cache line a request and nobody ever forgets on purpose: a line is a queue of 16, and who comes
// in pushes the oldest out. 2^14 lines hold 262,144 transactions in 1 MiB. A full table, a restart or another core lose
// entries, and then the new table decides; in a steady state nothing depends on it. A tag is 31 bits of a keyed hash:
// a stranger is taken for one of its line once in 2^27.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace viaduct::proxy {

// Thread: one, its worker's.
class Transactions {
 public:
  Transactions() : lines_(line_count) {}

  // `branch`: 64 bits of our branch (Branch::hash).
  void remember(uint64_t branch) {
    Line& line = lines_[branch % line_count];
    const uint32_t tag = tag_of(branch);
    if (line.has(tag)) return;
    for (size_t i = line.tags.size() - 1; i > 0; --i) line.tags[i] = line.tags[i - 1];
    line.tags[0] = tag;
  }

  bool knows(uint64_t branch) const { return lines_[branch % line_count].has(tag_of(branch)); }

 private:
  static constexpr size_t line_count = size_t{1} << 14;

  struct alignas(64) Line {
    std::array<uint32_t, 16> tags{};  // the newest first; 0: free

    bool has(uint32_t tag) const {
      bool found = false;
      for (const uint32_t other : tags) found |= other == tag;  // without a branch: one compare of a vector
      return found;
    }
  };

  // Bits that do not choose the line; never 0.
  static uint32_t tag_of(uint64_t branch) { return static_cast<uint32_t>(branch >> 32) | 1; }

  std::vector<Line> lines_;
};

}  // namespace viaduct::proxy
