// Health, laid over a table.
//
// A slot whose owner may not be used goes to the usable member that comes first in the slot's own order of preference
// (race.h). Nobody's place in that order depends on who else is usable, hence:
//   - a second failure moves only what the second member had, its own slots and those it had inherited;
//   - a return gives back exactly that.
//
// A member that has just come up takes a part of its slots only, so that it warms up before it carries its share. Which
// ones is again a hash of slot and member, so that all nodes agree, and a growing part only adds slots:
//
//   open(s, member) = mix(high ^ (s + 1) * 0x9e3779b97f4a7c15) >> 48 < part        part from 0 to 65536
//
// A slot stays with its owner where that is open to it, else it goes to the first of those that are; where nobody is,
// to the first of those that take anything at all: somebody must.
#include <cassert>

#include "steer/fingerprint.h"
#include "steer/race.h"
#include "steer/seed.h"
#include "steer/table.h"

namespace viaduct::steer {
namespace {

class Gates {
 public:
  Gates(std::span<const Member> members, std::span<const Part> parts) : parts_(parts) {
    for (const Member& member : members) seeds_.push_back(seed_of(member.name).high);
  }

  bool open(uint16_t member, uint32_t slot) const {
    const Part part = parts_[member];
    if (part == 0 || part >= whole) return part != 0;
    return mix(seeds_[member] ^ slot_hash_of(slot)) >> 48 < part;
  }

 private:
  std::span<const Part> parts_;
  std::vector<uint64_t> seeds_;
};

}  // namespace

Table overlay(const Table& table, std::span<const Member> members, std::span<const Part> parts) {
  assert(parts.size() == members.size());
  Table laid = table;
  std::vector<Member> runners(members.begin(), members.end());
  for (size_t i = 0; i < runners.size(); ++i) {
    if (parts[i] == 0) runners[i].weight = 0;
  }
  const Race race(runners);
  const Gates gates(members, parts);
  bool moved = false;
  for (uint32_t slot = 0; slot < laid.slots_.size(); ++slot) {
    uint16_t& owner = laid.slots_[slot];
    if (owner == no_member || gates.open(owner, slot)) continue;
    const uint16_t open = race.first_of(slot, [&](uint16_t member) { return gates.open(member, slot); }).member;
    const uint16_t next = open != no_member ? open : race.first(slot).member;
    moved |= next != owner;
    owner = next;
  }
  if (moved) laid.fingerprint_ = fingerprint_of(laid.slots_, members, laid.kind_);
  return laid;
}

Table overlay(const Table& table, std::span<const Member> members, const std::vector<bool>& usable) {
  std::vector<Part> parts;
  for (const bool use : usable) parts.push_back(use ? whole : 0);
  return overlay(table, members, std::span<const Part>(parts));
}

}  // namespace viaduct::steer
