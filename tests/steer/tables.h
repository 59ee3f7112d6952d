// What the tests of tables share.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <set>
#include <string>
#include <vector>

#include "steer/table.h"

namespace viaduct::steer {

inline std::vector<Member> equal_members(size_t count) {
  std::vector<Member> members;
  for (size_t i = 1; i <= count; ++i) members.push_back({"p" + std::to_string(i), 100});
  return members;
}

inline std::vector<bool> all_usable_but(size_t count, std::initializer_list<size_t> down) {
  std::vector<bool> usable(count, true);
  for (size_t member : down) usable[member] = false;
  return usable;
}

inline std::vector<int> shares(const Table& table, size_t members) {
  std::vector<int> owned(members);
  for (uint16_t member : table.slots()) {
    if (member != no_member) ++owned[member];
  }
  return owned;
}

inline std::string owner(const Table& table, const std::vector<Member>& members, uint32_t slot) {
  return table.slots()[slot] == no_member ? "" : members[table.slots()[slot]].name;
}

// How many slots of `after` have another owner than in `before`, counted apart by whether `leaving` had them.
struct Moves {
  int of_leaving = 0;
  int of_others = 0;
};
inline Moves moves(const Table& before, const Table& after, const std::set<uint16_t>& leaving) {
  Moves count;
  for (uint32_t slot = 0; slot < table_slots; ++slot) {
    if (before.slots()[slot] == after.slots()[slot]) continue;
    ++(leaving.contains(before.slots()[slot]) ? count.of_leaving : count.of_others);
  }
  return count;
}

inline bool same_choices(const Table& a, const Table& b) { return std::ranges::equal(a.slots(), b.slots()); }

}  // namespace viaduct::steer
