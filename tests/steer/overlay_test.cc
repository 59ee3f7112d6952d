// Health and slow start, laid over both kinds of tables.
#include <gtest/gtest.h>

#include <cmath>

#include "steer/table.h"
#include "steer/tables.h"

namespace viaduct::steer {
namespace {

class Overlay : public ::testing::TestWithParam<TableKind> {};

TEST_P(Overlay, MovesTheSlotsOfTheUnusableMemberAndNoOther) {
  SCOPED_TRACE("LBG-02");
  const std::vector<Member> members = equal_members(8);
  const Table table = build_table(members, GetParam());
  const std::vector<int> before = shares(table, 8);
  for (uint16_t down = 0; down < 8; ++down) {
    const Table laid = overlay(table, members, all_usable_but(8, {down}));
    const Moves moved = moves(table, laid, {down});
    EXPECT_EQ(moved.of_others, 0);
    const std::vector<int> owned = shares(laid, 8);
    EXPECT_EQ(owned[down], 0);
    const double inherited = before[down] / 7.0;  // some 1,170, deviation 32
    for (uint16_t i = 0; i < 8; ++i) {
      if (i != down) {
        EXPECT_NEAR(owned[i] - before[i], inherited, 4 * 32) << down << " to " << i;
      }
    }
  }
}

TEST_P(Overlay, GivesInheritanceByWeight) {
  const std::vector<Member> members = {{"a", 100}, {"b", 100}, {"c", 200}, {"d", 25}, {"e", 0}};
  const Table table = build_table(members, GetParam());
  const std::vector<int> before = shares(table, members.size());
  const std::vector<int> after = shares(overlay(table, members, all_usable_but(5, {0})), members.size());
  for (size_t i = 1; i < members.size(); ++i) {
    const double expected = before[0] * (members[i].weight / 325.0);
    EXPECT_NEAR(after[i] - before[i], expected, 4 * std::sqrt(expected) + 1) << members[i].name;
  }
}

TEST_P(Overlay, IsMinimalForASecondFailureAndForEveryReturn) {
  SCOPED_TRACE("LBG-02");
  std::vector<Member> members = equal_members(12);
  for (size_t i = 0; i < members.size(); ++i) members[i].weight = static_cast<uint32_t>(50 + 40 * i);
  const Table table = build_table(members, GetParam());
  const Table one = overlay(table, members, all_usable_but(12, {2}));
  const Table two = overlay(table, members, all_usable_but(12, {2, 7}));
  EXPECT_EQ(moves(one, two, {7}).of_others, 0) << "the second failure moved calls of members that are up";
  const Table other = overlay(table, members, all_usable_but(12, {7}));
  EXPECT_EQ(moves(other, two, {2}).of_others, 0);
  EXPECT_TRUE(same_choices(overlay(table, members, all_usable_but(12, {})), table));
  EXPECT_EQ(overlay(table, members, all_usable_but(12, {})).fingerprint(), table.fingerprint());
}

TEST_P(Overlay, DependsOnNamesNotOnNumbers) {
  const std::vector<Member> members = equal_members(8);
  const std::vector<Member> reversed(members.rbegin(), members.rend());
  const Table a = overlay(build_table(members, GetParam()), members, all_usable_but(8, {1, 2}));
  const Table b = overlay(build_table(reversed, GetParam()), reversed, all_usable_but(8, {6, 5}));
  EXPECT_EQ(a.fingerprint(), b.fingerprint());
}

TEST_P(Overlay, LeavesNobodyWhenNobodyWithWeightIsUsable) {
  const std::vector<Member> members = {{"a", 100}, {"b", 100}, {"c", 0}};
  const Table table = build_table(members, GetParam());
  for (const std::vector<bool>& usable :
       {std::vector<bool>{false, false, false}, std::vector<bool>{false, false, true}}) {
    const Table laid = overlay(table, members, usable);
    EXPECT_EQ(std::ranges::count(laid.slots(), no_member), table_slots);
  }
  const Table last = overlay(table, members, {false, true, false});
  EXPECT_EQ(std::ranges::count(last.slots(), 1), table_slots);
}

Part part_of(double fraction) { return static_cast<Part>(fraction * whole); }

TEST_P(Overlay, OpensAsManySlotsAsThePartSays) {
  const std::vector<Member> members = equal_members(8);
  const Table table = build_table(members, GetParam());
  const int own = shares(table, 8)[2];
  for (const double fraction : {0.0, 0.03, 0.1, 0.5, 0.9, 1.0}) {
    std::vector<Part> parts(8, whole);
    parts[2] = part_of(fraction);
    const Table laid = overlay(table, members, parts);
    EXPECT_NEAR(shares(laid, 8)[2], own * fraction, 5 * std::sqrt(own * fraction * (1 - fraction)) + 1) << fraction;
    EXPECT_EQ(moves(table, laid, {2}).of_others, 0) << fraction;
  }
}

TEST_P(Overlay, GivesAGrowingPartMoreSlotsAndTakesNoneBack) {
  const std::vector<Member> members = equal_members(8);
  const Table table = build_table(members, GetParam());
  std::vector<Part> parts(8, whole);
  parts[5] = 0;  // somebody else is down meanwhile, and its slots are inherited by part too
  parts[2] = 0;
  Table before = overlay(table, members, parts);
  for (parts[2] = 1; parts[2] <= whole; parts[2] += whole / 10) {
    const Table now = overlay(table, members, parts);
    for (uint32_t slot = 0; slot < table_slots; ++slot) {
      ASSERT_TRUE(now.slots()[slot] == before.slots()[slot] || now.slots()[slot] == 2) << slot;
    }
    before = now;
  }
  parts[2] = whole;
  EXPECT_TRUE(same_choices(overlay(table, members, parts), overlay(table, members, all_usable_but(8, {5}))));
}

TEST_P(Overlay, LeavesNoSlotToNobodyWhileSomebodyTakesAnything) {
  const std::vector<Member> members = equal_members(4);
  const Table laid = overlay(build_table(members, GetParam()), members, std::vector<Part>{1, 1, 0, 0});
  EXPECT_EQ(std::ranges::count(laid.slots(), no_member), 0);
  const std::vector<int> owned = shares(laid, 4);
  EXPECT_NEAR(owned[0], table_slots / 2, 5 * 128);
  EXPECT_EQ(owned[0] + owned[1], static_cast<int>(table_slots));
}

INSTANTIATE_TEST_SUITE_P(Kinds, Overlay, ::testing::Values(TableKind::rendezvous, TableKind::maglev));

}  // namespace
}  // namespace viaduct::steer
