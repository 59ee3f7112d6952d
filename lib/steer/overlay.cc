// Health, laid over a table.
//
// Each slot has an order of preference over all members (rendezvous or highest-random-weight hashing; Thaler and
// Ravishankar, IEEE/ACM ToN 6(1), 1998): a race in which every member's time is exponentially distributed with its
// weight as the rate, so that it wins with the probability weight / sum of weights among whoever runs. An unusable
// owner's slot goes to the fastest usable member. Nobody's time depends on who else runs, hence:
//   - a second failure moves only what the second member had, its own slots and those it had inherited;
//   - a return gives back exactly that.
//
// For slot s and a member with seed (low, high) and weight w, all numbers 64-bit and wrapping:
//   u    = mix(low ^ (s + 1) * 0x9e3779b97f4a7c15) | 1          mix: the finalizer of SplitMix64
//   time = (64 - log2 u) / w
// The nodes of a cluster must agree to the last bit, and libm's logarithms need not, so log2 is a fixed-point number
// with 32 fraction bits: the exponent of u, and linear interpolation in a table of floor(2^32 log2(1 + i/1024)). Times
// are compared as fractions, exactly. On equal times the larger u wins, then the earlier name.
#include <array>
#include <bit>
#include <cassert>

#include "core/uint128.h"
#include "steer/fingerprint.h"
#include "steer/seed.h"
#include "steer/table.h"

namespace viaduct::steer {
namespace {

constexpr unsigned log_index_bits = 10;
constexpr size_t log_entries = (size_t{1} << log_index_bits) + 1;

// Bit by bit: squaring a number doubles its logarithm, and each time it passes 2 the next bit of the fraction is 1.
constexpr std::array<uint64_t, log_entries> make_log_table() {
  std::array<uint64_t, log_entries> table{};
  for (size_t i = 0; i + 1 < log_entries; ++i) {
    uint64_t x = (uint64_t{1} << 63) | static_cast<uint64_t>(i)
                                           << (63 - log_index_bits);  // 1 + i/1024, 63 fraction bits
    for (int bit = 31; bit >= 0; --bit) {
      const core::uint128 square = static_cast<core::uint128>(x) * x;  // 126 fraction bits, below 4
      if (square >> 127 != 0) {
        table[i] |= uint64_t{1} << bit;
        x = static_cast<uint64_t>(square >> 64);
      } else {
        x = static_cast<uint64_t>(square >> 63);
      }
    }
  }
  table[log_entries - 1] = uint64_t{1} << 32;
  return table;
}
constexpr std::array<uint64_t, log_entries> log_table = make_log_table();

// 64 - log2 u with 32 fraction bits; at least 1. `u` is not 0.
uint64_t lateness(uint64_t u) {
  const auto exponent = static_cast<unsigned>(std::bit_width(u)) - 1;
  const uint64_t fraction = u << (63 - exponent) << 1;  // behind the leading one, which is shifted out
  const uint64_t index = fraction >> (64 - log_index_bits);
  const uint64_t rest = fraction << log_index_bits >> 32;
  const uint64_t log = log_table[index] + ((log_table[index + 1] - log_table[index]) * rest >> 32);
  return (uint64_t{64 - exponent} << 32) - log;
}

uint64_t mix(uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

struct Runner {
  uint16_t member;
  uint32_t weight;
  uint64_t seed;
};

std::vector<Runner> usable_runners(std::span<const Member> members, const std::vector<bool>& usable) {
  std::vector<Runner> runners;
  for (size_t i = 0; i < members.size(); ++i) {
    if (!usable[i] || members[i].weight == 0) continue;
    runners.push_back({static_cast<uint16_t>(i), members[i].weight, seed_of(members[i].name).low});
  }
  return runners;
}

uint16_t next_choice(uint32_t slot, std::span<const Runner> runners, std::span<const Member> members) {
  const uint64_t slot_hash = (uint64_t{slot} + 1) * 0x9e3779b97f4a7c15;
  uint16_t best = no_member;
  uint64_t best_u = 0, best_late = 0, best_weight = 1;
  for (const Runner& runner : runners) {
    const uint64_t u = mix(runner.seed ^ slot_hash) | 1;
    const uint64_t late = lateness(u);
    const core::uint128 ours = static_cast<core::uint128>(late) * best_weight;
    const core::uint128 theirs = static_cast<core::uint128>(best_late) * runner.weight;
    const bool tie = ours == theirs && best != no_member;
    const bool wins = best == no_member || ours < theirs ||
                      (tie && (u > best_u || (u == best_u && members[runner.member].name < members[best].name)));
    if (!wins) continue;
    best = runner.member;
    best_u = u;
    best_late = late;
    best_weight = runner.weight;
  }
  return best;
}

}  // namespace

Table overlay(const Table& table, std::span<const Member> members, const std::vector<bool>& usable) {
  assert(usable.size() == members.size());
  Table laid = table;
  const std::vector<Runner> runners = usable_runners(members, usable);
  bool moved = false;
  for (uint32_t slot = 0; slot < laid.slots_.size(); ++slot) {
    uint16_t& owner = laid.slots_[slot];
    if (owner == no_member || usable[owner]) continue;
    owner = next_choice(slot, runners, members);
    moved = true;
  }
  if (moved) laid.fingerprint_ = fingerprint_of(laid.slots_, members);
  return laid;
}

}  // namespace viaduct::steer
