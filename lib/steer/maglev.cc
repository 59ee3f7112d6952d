// The lookup table of Maglev (Eisenbud et al., NSDI 2016, section 3.4), with weights.
//
// Every member has a permutation of the slots, its list of preferences. Members take turns, in the order of their
// names, and at each turn a member takes the first slot of its list that is still free, until no slot is. So shares
// differ by at most one slot, and when a member leaves, the others mostly keep what they had, since most of their
// preferences were met without it:
//
//   permutation of p1:  3 0 4 1 5 2 6          slot   0  1  2  3  4  5  6
//   permutation of p2:  0 2 4 6 1 3 5          owner  p2 p1 p2 p1 p1 p1 p2
//   turns:  p1:3  p2:0  p1:4 (0 is taken)  p2:2  p1:1  p2:6  p1:5
//
// With (low, high) = siphash128(public key, name):
//   permutation[j] = (offset + j * skip) mod 65537,  offset = low mod 65537,  skip = 1 + high mod 65536
//
// Weights: in every round each member's credit grows by its weight; one whose credit reaches the largest weight takes a
// turn and pays that much. The heaviest takes a turn every round, so there are at most as many rounds as slots.
#include "steer/maglev.h"

#include <algorithm>
#include <numeric>

#include "steer/seed.h"

namespace viaduct::steer {
namespace {

struct Player {
  uint16_t member;
  uint32_t position;  // the next slot of its permutation to try
  uint32_t skip;
  uint64_t weight;
  uint64_t credit = 0;
};

std::vector<Player> players_by_name(std::span<const Member> members) {
  std::vector<uint16_t> order(members.size());
  std::iota(order.begin(), order.end(), uint16_t{0});
  std::sort(order.begin(), order.end(), [&](uint16_t a, uint16_t b) { return members[a].name < members[b].name; });
  std::vector<Player> players;
  for (uint16_t member : order) {
    if (members[member].weight == 0) continue;
    const Hash128 seed = seed_of(members[member].name);
    players.push_back({.member = member,
                       .position = static_cast<uint32_t>(seed.low % table_slots),
                       .skip = static_cast<uint32_t>(1 + seed.high % (table_slots - 1)),
                       .weight = members[member].weight});
  }
  return players;
}

void advance(Player& player) {
  player.position += player.skip;
  if (player.position >= table_slots) player.position -= table_slots;
}

}  // namespace

std::vector<uint16_t> maglev_slots(std::span<const Member> members) {
  std::vector<uint16_t> slots(table_slots, no_member);
  std::vector<Player> players = players_by_name(members);
  uint64_t turn_price = 0;
  for (const Player& player : players) turn_price = std::max(turn_price, player.weight);

  uint32_t free_slots = players.empty() ? 0 : table_slots;
  while (free_slots > 0) {
    for (Player& player : players) {
      player.credit += player.weight;
      if (player.credit < turn_price) continue;
      player.credit -= turn_price;
      while (slots[player.position] != no_member) advance(player);
      slots[player.position] = player.member;
      if (--free_slots == 0) break;
    }
  }
  return slots;
}

}  // namespace viaduct::steer
