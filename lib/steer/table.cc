// The slots given out.
//
// What an operator wants of a change is that it touches nobody but whom it is about: a ninth backend takes a ninth of
// the calls, from all eight, and none of the eight gets a call of another. A table is a pure function of the set, and
// that wish leaves no choice of how it is made. If for every set the owner of a slot stays or becomes the newcomer,
// then who wins between any two does not depend on who else is there, hence the winners between two are an order (with
// a before b and b before c, the owner among all three can only be a), hence the slot belongs to the first of all
// members in an order of its own. So each slot orders the members by weighted rendezvous (race.h), and its owner is the
// first:
//
//   slot 0:  p2  p1  p3        without p2, slot 0 goes to p1 and slot 1 to p3; nothing else moves
//   slot 1:  p2  p3  p1        with p4 behind p1 in slot 2, slot 2 stays; before it, p4 gets it
//   slot 2:  p1  p3  p2
//
// Health asks the same order who is next (overlay.cc), so a backend that is dead, then removed, moves nothing the
// second time.
//
// The price is that shares are equal by chance alone: of n equal members each has 65537 / n slots with a deviation of
// the square root of that, 1.1 % of its share with 8 members, 12 % with 1,000. Maglev (maglev.cc) makes shares equal to
// one slot, and pays with up to 1 % of all slots that a change moves between members that it is not about.
//
// A change of few members needs no new race of all. Whoever owned a slot has won against all who ran before; unless it
// is gone or lighter, only newcomers and those who became heavier can beat it.
#include "steer/table.h"

#include <cassert>
#include <map>
#include <string_view>

#include "steer/fingerprint.h"
#include "steer/maglev.h"
#include "steer/race.h"

namespace viaduct::steer {
namespace {

std::vector<uint16_t> rendezvous_slots(std::span<const Member> members) {
  const Race race(members);
  std::vector<uint16_t> slots(table_slots);
  for (uint32_t slot = 0; slot < table_slots; ++slot) slots[slot] = race.first(slot).member;
  return slots;
}

std::vector<uint16_t> rendezvous_slots_like(std::span<const Member> members, const Built& like) {
  std::map<std::string_view, uint32_t> before;
  for (const Member& member : like.members) before[member.name] = member.weight;
  std::map<std::string_view, uint16_t> heir;  // who can still win by having won before
  std::vector<Member> challengers(members.begin(), members.end());
  for (size_t i = 0; i < members.size(); ++i) {
    const auto found = before.find(members[i].name);
    const uint32_t was = found == before.end() ? 0 : found->second;
    if (members[i].weight >= was) heir[members[i].name] = static_cast<uint16_t>(i);
    if (members[i].weight <= was) challengers[i].weight = 0;
  }
  std::vector<uint16_t> heir_of(like.members.size(), no_member);
  for (size_t i = 0; i < like.members.size(); ++i) {
    if (const auto found = heir.find(like.members[i].name); found != heir.end()) heir_of[i] = found->second;
  }
  const Race all(members), few(challengers);
  std::vector<uint16_t> slots(table_slots);
  for (uint32_t slot = 0; slot < table_slots; ++slot) {
    const uint16_t owner = like.table.slots()[slot];
    const uint16_t kept = owner == no_member ? no_member : heir_of[owner];
    if (kept == no_member) {
      slots[slot] = all.first(slot).member;
      continue;
    }
    const Race::Result challenge = few.first(slot);
    slots[slot] = challenge < all.result_of_member(kept, slot) ? challenge.member : kept;
  }
  return slots;
}

}  // namespace

Table build_table(std::span<const Member> members, TableKind kind, const Built* like) {
  assert(members.size() < no_member);
  Table table;
  table.kind_ = kind;
  if (kind == TableKind::maglev) {
    table.slots_ = maglev_slots(members);
  } else if (like != nullptr && like->table.kind() == kind) {
    table.slots_ = rendezvous_slots_like(members, *like);
  } else {
    table.slots_ = rendezvous_slots(members);
  }
  table.fingerprint_ = fingerprint_of(table.slots_, members, kind);
  return table;
}

Table renumbered(const Table& table, std::span<const uint16_t> numbers, std::span<const Member> members) {
  Table result = table;
  bool lost = false;
  for (uint16_t& owner : result.slots_) {
    if (owner == no_member) continue;
    owner = numbers[owner];
    lost |= owner == no_member;
  }
  if (lost) result.fingerprint_ = fingerprint_of(result.slots_, members, result.kind_);
  return result;
}

}  // namespace viaduct::steer
