// Tables by the paper on Maglev: shares equal to one slot, at the price of some moves.
#include <gtest/gtest.h>

#include "steer/table.h"
#include "steer/tables.h"

namespace viaduct::steer {
namespace {

TEST(Maglev, GivesEqualMembersEqualShares) {
  for (size_t count : {1, 2, 3, 8, 100, 1000}) {
    const std::vector<int> owned = shares(build_table(equal_members(count), TableKind::maglev), count);
    const auto [least, most] = std::ranges::minmax(owned);
    EXPECT_LE(most - least, 1) << count;
  }
}

TEST(Maglev, GivesSharesByWeight) {
  const std::vector<Member> members = {{"a", 100}, {"b", 50}, {"c", 300}, {"d", 0}, {"e", 1}};
  const std::vector<int> owned = shares(build_table(members, TableKind::maglev), members.size());
  for (size_t i = 0; i < members.size(); ++i) {
    EXPECT_NEAR(owned[i], double{table_slots} * members[i].weight / 451, 2) << members[i].name;
  }
  EXPECT_EQ(owned[3], 0);
}

TEST(Maglev, SurvivesTheGreatestWeights) {
  const std::vector<Member> members = {{"a", 0xffffffff}, {"b", 0xffffffff}, {"c", 1}};
  const std::vector<int> owned = shares(build_table(members, TableKind::maglev), 3);
  EXPECT_NEAR(owned[0], owned[1], 1);
  EXPECT_EQ(owned[2], 0);
}

TEST(Maglev, KeepsWhatItCanWhenAMemberIsRemovedOrAdded) {
  SCOPED_TRACE("LBG-02");
  for (size_t count : {3, 8, 16, 100}) {
    const std::vector<Member> many = equal_members(count);
    const std::vector<Member> fewer(many.begin(), many.end() - 1);  // same numbers, one less at the end
    const Table with = build_table(many, TableKind::maglev);
    const Table without = build_table(fewer, TableKind::maglev);
    const int own = shares(with, count).back();
    const Moves moved = moves(with, without, {static_cast<uint16_t>(count - 1)});
    EXPECT_EQ(moved.of_leaving, own);
    EXPECT_LT(moved.of_others, table_slots / 100) << count << ": more than 1 % of the slots moved needlessly";
  }
}

// Pinned: a change here sends every established call of every cluster that upgrades node by node to another backend.
TEST(Maglev, HasNotChangedSinceItWasFirstWritten) {
  const std::vector<Member> members = equal_members(8);
  const Table table = build_table(members, TableKind::maglev);
  EXPECT_EQ(table.fingerprint(), 0x6855ddb73ae89adcu);
  EXPECT_EQ(overlay(table, members, all_usable_but(8, {0})).fingerprint(), 0x4525faa23bf0896du);
}

}  // namespace
}  // namespace viaduct::steer
