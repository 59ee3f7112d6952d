// Each slot's order of preference over the members: weighted rendezvous.
//
// Rendezvous or highest-random-weight hashing (Thaler and Ravishankar, IEEE/ACM ToN 6(1), 1998) as a race: for every
// slot each member runs a time that is exponentially distributed with its weight as the rate, so that it wins with the
// probability weight / sum of weights among whoever runs. Nobody's time depends on who else runs. That is all that the
// table (table.cc) and what is laid over it (overlay.cc) need: whoever joins takes slots and makes nobody else lose one
// to a third, and whoever leaves gives his own away.
//
// For slot s and a member with seed (low, high) and weight w, all numbers 64-bit and wrapping:
//   u    = mix(low ^ (s + 1) * 0x9e3779b97f4a7c15) | 1          mix: the finalizer of SplitMix64
//   time = (64 - log2 u) / w
// The nodes of a cluster must agree to the last bit, and libm's logarithms need not, so log2 is a fixed-point number
// with 32 fraction bits: the exponent of u, and linear interpolation in a table of floor(2^32 log2(1 + i/1024)). Times
// are compared as fractions, exactly. On equal times the larger u wins, then the earlier name. Among equal weights the
// largest u is the least time, so a logarithm is taken once for each weight and not once for each member.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "steer/table.h"

namespace viaduct::steer {

constexpr uint64_t slot_hash_of(uint32_t slot) { return (uint64_t{slot} + 1) * 0x9e3779b97f4a7c15; }

constexpr uint64_t mix(uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

class Race {
 public:
  // Members with a weight above 0 run.
  explicit Race(std::span<const Member> members);

  struct Result {
    uint16_t member = no_member;
    uint16_t rank = 0;  // of its name
    uint32_t weight = 1;
    uint64_t u = 0;
    uint64_t late = 0;                          // 64 - log2 u, 32 fraction bits
    bool operator<(const Result& other) const;  // who comes first; nobody comes last
  };
  Result first(uint32_t slot) const {
    return first_of(slot, [](uint16_t) { return true; });
  }
  // Among the members that `runs` says run.
  template <class Runs>
  Result first_of(uint32_t slot, Runs runs) const {
    const uint64_t slot_hash = slot_hash_of(slot);
    Result best;
    for (const Group& group : groups_) {
      uint64_t best_u = 0;  // no u is 0
      size_t at = group.end;
      for (size_t i = group.begin; i < group.end; ++i) {
        const uint64_t u = mix(seeds_[i] ^ slot_hash) | 1;
        if (u <= best_u || !runs(runners_[i].member)) continue;
        best_u = u;
        at = i;
      }
      if (at == group.end) continue;
      const Result result = result_of(at, best_u);
      if (result < best) best = result;
    }
    return best;
  }
  // Of one member; nobody if it does not run.
  Result result_of_member(uint16_t member, uint32_t slot) const;

 private:
  struct Runner {
    uint16_t member;
    uint16_t rank;
    uint32_t weight;
  };
  struct Group {  // of one weight, in the order of names
    size_t begin, end;
  };
  Result result_of(size_t runner, uint64_t u) const;

  std::vector<Runner> runners_;
  std::vector<uint64_t> seeds_;  // of the runners
  std::vector<Group> groups_;
  std::vector<uint16_t> runner_of_;  // by member
};

}  // namespace viaduct::steer
