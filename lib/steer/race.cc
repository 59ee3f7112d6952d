#include "steer/race.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

#include "core/uint128.h"
#include "steer/seed.h"

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

// 64 - log2 u with 32 fraction bits; at least 1, and never more for a larger u. `u` is not 0.
uint64_t lateness(uint64_t u) {
  const auto exponent = static_cast<unsigned>(std::bit_width(u)) - 1;
  const uint64_t fraction = u << (63 - exponent) << 1;  // behind the leading one, which is shifted out
  const uint64_t index = fraction >> (64 - log_index_bits);
  const uint64_t rest = fraction << log_index_bits >> 32;
  const uint64_t log = log_table[index] + ((log_table[index + 1] - log_table[index]) * rest >> 32);
  return (uint64_t{64 - exponent} << 32) - log;
}

}  // namespace

Race::Race(std::span<const Member> members) : runner_of_(members.size(), no_member) {
  std::vector<uint16_t> order(members.size());
  std::iota(order.begin(), order.end(), uint16_t{0});
  std::sort(order.begin(), order.end(), [&](uint16_t a, uint16_t b) { return members[a].name < members[b].name; });
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const Member& member = members[order[rank]];
    if (member.weight > 0) runners_.push_back({order[rank], static_cast<uint16_t>(rank), member.weight});
  }
  std::stable_sort(runners_.begin(), runners_.end(),
                   [](const Runner& a, const Runner& b) { return a.weight < b.weight; });
  for (size_t i = 0; i < runners_.size(); ++i) {
    seeds_.push_back(seed_of(members[runners_[i].member].name).low);
    runner_of_[runners_[i].member] = static_cast<uint16_t>(i);
    if (i == 0 || runners_[i].weight != runners_[i - 1].weight) groups_.push_back({i, i});
    groups_.back().end = i + 1;
  }
}

bool Race::Result::operator<(const Result& other) const {
  if (member == no_member || other.member == no_member) return member != no_member;
  const core::uint128 ours = static_cast<core::uint128>(late) * other.weight;
  const core::uint128 theirs = static_cast<core::uint128>(other.late) * weight;
  if (ours != theirs) return ours < theirs;
  return u != other.u ? u > other.u : rank < other.rank;
}

Race::Result Race::result_of(size_t runner, uint64_t u) const {
  return {.member = runners_[runner].member,
          .rank = runners_[runner].rank,
          .weight = runners_[runner].weight,
          .u = u,
          .late = lateness(u)};
}

Race::Result Race::result_of_member(uint16_t member, uint32_t slot) const {
  const uint16_t runner = runner_of_[member];
  if (runner == no_member) return {};
  return result_of(runner, mix(seeds_[runner] ^ slot_hash_of(slot)) | 1);
}

}  // namespace viaduct::steer
