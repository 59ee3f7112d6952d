#include "steer/table.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "oracle/oracle.h"
#include "steer/keyed_hash.h"
#include "steer/tables.h"
#include "support/effort.h"

namespace viaduct::steer {
namespace {

class Tables : public ::testing::TestWithParam<TableKind> {};
INSTANTIATE_TEST_SUITE_P(Kinds, Tables, ::testing::Values(TableKind::rendezvous, TableKind::maglev));

TEST(Table, GivesEqualMembersSharesThatChanceMakesEqual) {
  for (size_t count : {1, 2, 3, 8, 100, 1000}) {
    const std::vector<int> owned = shares(build_table(equal_members(count)), count);
    const double expected = double{table_slots} / static_cast<double>(count);
    // Chi squared with count - 1 degrees of freedom: mean count - 1, deviation sqrt(2 (count - 1)).
    double chi_squared = 0;
    for (const int slots : owned) chi_squared += (slots - expected) * (slots - expected) / expected;
    const auto freedom = static_cast<double>(count - 1);
    EXPECT_LT(chi_squared, freedom + 5 * std::sqrt(2 * freedom) + 1) << count;
    EXPECT_GT(chi_squared, freedom - 5 * std::sqrt(2 * freedom) - 1) << count;
  }
}

TEST(Table, GivesSharesByWeight) {
  const std::vector<Member> members = {{"a", 100}, {"b", 50}, {"c", 300}, {"d", 0}, {"e", 1}};
  const std::vector<int> owned = shares(build_table(members), members.size());
  for (size_t i = 0; i < members.size(); ++i) {
    const double expected = double{table_slots} * members[i].weight / 451;
    EXPECT_NEAR(owned[i], expected, 4 * std::sqrt(expected) + 1) << members[i].name;
  }
  EXPECT_EQ(owned[3], 0);
}

TEST(Table, SurvivesTheGreatestWeights) {
  const std::vector<Member> members = {{"a", 0xffffffff}, {"b", 0xffffffff}, {"c", 1}};
  const std::vector<int> owned = shares(build_table(members), 3);
  EXPECT_NEAR(owned[0], owned[1], 5 * 256);
  EXPECT_EQ(owned[2], 0);
}

TEST(Table, MovesSlotsToANewMemberAndToNobodyElse) {
  SCOPED_TRACE("LBG-02");
  for (size_t count : {2, 3, 9, 16, 100}) {
    std::vector<Member> many = equal_members(count);
    for (size_t i = 0; i < count; i += 3) many[i].weight = 30;
    const std::vector<Member> fewer(many.begin(), many.end() - 1);  // same numbers, one less at the end
    const Table with = build_table(many);
    const Table without = build_table(fewer);
    const int own = shares(with, count).back();
    const Moves moved = moves(with, without, {static_cast<uint16_t>(count - 1)});
    EXPECT_EQ(moved.of_leaving, own);
    EXPECT_EQ(moved.of_others, 0) << count;
  }
  const Table nine = build_table(equal_members(9));
  EXPECT_NEAR(100.0 * shares(nine, 9)[8] / table_slots, 100.0 / 9, 0.6);
}

TEST(Table, MovesNothingWhenADeadMemberIsRemoved) {
  SCOPED_TRACE("LBG-02");
  const std::vector<Member> members = equal_members(9);
  const Table dead = overlay(build_table(members), members, all_usable_but(9, {8}));
  EXPECT_TRUE(same_choices(dead, build_table(equal_members(8))));
}

TEST(Table, MovesSlotsToAHeavierMemberAndAwayFromALighterOne) {
  std::vector<Member> members = equal_members(8);
  const Table before = build_table(members);
  members[3].weight = 170;
  const Table heavy = build_table(members);
  members[3].weight = 40;
  const Table light = build_table(members);
  int gained = 0, lost = 0;
  for (uint32_t slot = 0; slot < table_slots; ++slot) {
    if (heavy.slots()[slot] != before.slots()[slot]) {
      ASSERT_EQ(heavy.slots()[slot], 3);
      ++gained;
    }
    if (light.slots()[slot] != before.slots()[slot]) {
      ASSERT_EQ(before.slots()[slot], 3);
      ++lost;
    }
  }
  EXPECT_NEAR(gained, table_slots * (170.0 / 870 - 100.0 / 800), 5 * 64);
  EXPECT_NEAR(lost, table_slots * (100.0 / 800 - 40.0 / 740), 5 * 64);
}

TEST(Table, IsTheSameByTheShortCut) {
  std::mt19937 random(5);
  std::vector<Member> members = equal_members(12);
  Table table = build_table(members);
  for (int round = 0; round < test::rounds(60); ++round) {
    std::vector<Member> next = members;
    for (int change = 0; change < 2; ++change) {
      const size_t at = random() % next.size();
      switch (random() % 4) {
        case 0: next.insert(next.begin() + static_cast<long>(at), {"q" + std::to_string(random()), 70}); break;
        case 1:
          if (next.size() > 2) next.erase(next.begin() + static_cast<long>(at));
          break;
        case 2: next[at].weight = static_cast<uint32_t>(random() % 200); break;
        default: std::ranges::shuffle(next, random); break;
      }
    }
    const Built like{table, members};
    const Table quick = build_table(next, TableKind::rendezvous, &like);
    const Table slow = build_table(next);
    ASSERT_TRUE(same_choices(quick, slow)) << round;
    ASSERT_EQ(quick.fingerprint(), slow.fingerprint());
    table = quick;
    members = next;
  }
}

TEST(Table, IsTheSameInOtherNumbers) {
  const std::vector<Member> members = equal_members(4);
  const Table table = build_table(members);
  const std::vector<Member> others = {{"new", 0}, members[3], members[0], members[2]};
  const Table moved = renumbered(table, std::vector<uint16_t>{2, no_member, 3, 1}, others);
  for (uint32_t slot = 0; slot < table_slots; ++slot) {
    const std::string name = owner(table, members, slot);
    ASSERT_EQ(owner(moved, others, slot), name == "p2" ? "" : name);
  }
  EXPECT_NE(moved.fingerprint(), table.fingerprint());
  const std::vector<Member> reversed(members.rbegin(), members.rend());
  EXPECT_EQ(renumbered(table, std::vector<uint16_t>{3, 2, 1, 0}, reversed).fingerprint(), table.fingerprint());
}

TEST_P(Tables, DependOnNamesAndWeightsAlone) {
  std::vector<Member> members = equal_members(20);
  members[3].weight = 250;
  const Table table = build_table(members, GetParam());
  std::mt19937 random(3);
  for (int round = 0; round < 5; ++round) {
    std::vector<Member> shuffled = members;
    std::ranges::shuffle(shuffled, random);
    const Table other = build_table(shuffled, GetParam());
    EXPECT_EQ(other.fingerprint(), table.fingerprint());
    for (uint32_t slot = 0; slot < table_slots; ++slot) {
      ASSERT_EQ(shuffled[other.slots()[slot]].name, members[table.slots()[slot]].name);
    }
  }
  std::vector<Member> half = members;
  for (Member& member : half) member.weight /= 2;
  EXPECT_EQ(build_table(half, GetParam()).fingerprint(), table.fingerprint()) << "only ratios of weights count";
}

TEST(Table, HasAFingerprintThatTellsEveryDifference) {
  std::set<uint64_t> seen;
  std::vector<Member> members = equal_members(8);
  const auto remember = [&](const Table& table) { return seen.insert(table.fingerprint()).second; };
  const Table table = build_table(members);
  EXPECT_TRUE(remember(table));
  EXPECT_TRUE(remember(overlay(table, members, all_usable_but(8, {0}))));
  EXPECT_TRUE(remember(overlay(table, members, all_usable_but(8, {1}))));
  EXPECT_TRUE(remember(overlay(table, members, std::vector<bool>(8, false))));
  members[0].weight = 101;
  EXPECT_TRUE(remember(build_table(members)));
  members[0] = {"p9", 100};
  EXPECT_TRUE(remember(build_table(members)));
  EXPECT_TRUE(remember(build_table(members, TableKind::maglev)));
  EXPECT_TRUE(remember(build_table(equal_members(1))));
  EXPECT_TRUE(remember(build_table(equal_members(1), TableKind::maglev))) << "alike today, not tomorrow";
}

// Pinned: a change here sends every established call of every cluster that upgrades node by node to another backend.
TEST(Table, HasNotChangedSinceItWasFirstWritten) {
  const std::vector<Member> members = equal_members(8);
  const Table table = build_table(members);
  EXPECT_EQ(table.fingerprint(), 0x7f5ed2a3c74ca3e5u);
  EXPECT_EQ(overlay(table, members, all_usable_but(8, {0})).fingerprint(), 0x5dda58681de08f41u);
}

TEST_P(Tables, WithoutWeightHaveNoMember) {
  for (const std::vector<Member>& members : {std::vector<Member>{}, std::vector<Member>{{"a", 0}, {"b", 0}}}) {
    const Table table = build_table(members, GetParam());
    EXPECT_EQ(table.pick(0), no_member);
    EXPECT_EQ(std::ranges::count(table.slots(), no_member), table_slots);
    EXPECT_TRUE(same_choices(overlay(table, members, std::vector<bool>(members.size(), true)), table));
  }
}

TEST(Table, ReachesEverySlotAndSpreadsHashesOverThem) {
  EXPECT_EQ(Table::slot_of(0), 0u);
  EXPECT_EQ(Table::slot_of(~0ull), table_slots - 1);
  const HashKey key{1, 2};
  std::vector<int> hits(table_slots);
  constexpr int keys = 1'000'000;
  for (int i = 0; i < keys; ++i) ++hits[Table::slot_of(siphash64(key, "call-" + std::to_string(i)))];
  // Chi squared with 65,536 degrees of freedom: mean 65,536, deviation 362.
  double chi_squared = 0;
  constexpr double expected = double{keys} / table_slots;
  for (int count : hits) chi_squared += (count - expected) * (count - expected) / expected;
  EXPECT_NEAR(chi_squared, 65536, 5 * 362);
}

TEST_P(Tables, SpreadCallsThatAnAttackerAimedWithAnotherKey) {
  SCOPED_TRACE("TGT-05");
  const std::vector<Member> members = equal_members(8);
  const Table table = build_table(members, GetParam());
  const HashKey guessed{11, 12};
  const HashKey secret{13, 14};
  std::vector<int> hits(8);
  int aimed = 0;
  for (int i = 0; aimed < 8000; ++i) {
    const std::string call_id = std::to_string(i) + "@attacker.example";
    if (table.pick(siphash64(guessed, call_id)) != 0) continue;
    ++aimed;
    ++hits[table.pick(siphash64(secret, call_id))];
  }
  for (int count : hits) EXPECT_NEAR(count, 1000, 5 * 35);
}

// One set of members in the oracle's words, and the oracle's answer in our numbers.
struct Question {
  std::vector<Member> members;
  std::vector<Part> parts;
};

std::string asked(const Question& question, TableKind kind) {
  std::ostringstream text;
  text << (kind == TableKind::maglev ? "maglev\n" : "rendezvous\n");
  for (size_t i = 0; i < question.members.size(); ++i) {
    text << question.members[i].name << ' ' << question.members[i].weight << ' ' << question.parts[i] << '\n';
  }
  return text.str() + '\n';
}

std::string shown(const Table& table, const std::vector<Member>& members) {
  char fingerprint[24];
  std::snprintf(fingerprint, sizeof fingerprint, "%016lx:", table.fingerprint());
  std::string text = fingerprint;
  for (uint16_t member : table.slots()) (text += member == no_member ? "-" : members[member].name) += ' ';
  text.back() = '\n';
  return text;
}

TEST_P(Tables, AgreeSlotBySlotWithAnIndependentImplementation) {
  SCOPED_TRACE("LBG-02");
  if (!oracle::have_python()) GTEST_SKIP() << "no python3 here, and the oracle is a Python script";
  std::mt19937 random(4);
  std::vector<Question> questions = {
      {equal_members(1), {whole}},
      {equal_members(1), {0}},
      {equal_members(6), {0, whole, whole, 9000, whole, whole}},
      {{{"zürich", 100}, {"Bern", 50}, {"basel-1", 1}, {"basel-10", 0}, {"basel-2", 333}}, {whole, 0, 1, whole, 0}},
      {{{"only", 4000000000}, {"tiny", 1}, {"other", 3999999999}}, {0, whole, whole}},
      {equal_members(10), std::vector<Part>(10, whole)},
  };
  for (Member& member : questions.back().members) member.weight = static_cast<uint32_t>(random() % 300);
  for (size_t i = 0; i < 10; i += 3) questions.back().parts[i] = static_cast<Part>(random() % 2 * 20000);

  std::string input;
  std::string expected;
  for (const Question& question : questions) {
    input += asked(question, GetParam());
    const Table table = build_table(question.members, GetParam());
    expected += shown(table, question.members);
    expected += shown(overlay(table, question.members, question.parts), question.members);
  }
  const std::optional<std::string> answer = oracle::run("tables.py", "", input);
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->size(), expected.size());
  const auto at = static_cast<size_t>(std::ranges::mismatch(*answer, expected).in1 - answer->begin());
  EXPECT_EQ(at, answer->size()) << "first difference: " << answer->substr(at, 60)
                                << "\nours: " << expected.substr(at, 60);
}

TEST_P(Tables, AreBuiltInAMomentWithAThousandMembers) {
  std::vector<Member> members = equal_members(1024);
  std::vector<bool> usable(members.size(), true);
  for (size_t i = 0; i < usable.size(); i += 2) usable[i] = false;
  const auto start = std::chrono::steady_clock::now();
  const Table table = build_table(members, GetParam());
  const Table laid = overlay(table, members, usable);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const auto [least, most] = std::ranges::minmax(shares(table, members.size()));
  const bool equal = GetParam() == TableKind::maglev;
  EXPECT_GE(least, equal ? 64 : 64 - 5 * 8);
  EXPECT_LE(most, equal ? 65 : 64 + 5 * 8);
  EXPECT_FALSE(same_choices(table, laid));
  RecordProperty("milliseconds", static_cast<int>(took.count() * 1000));
  EXPECT_LT(took.count(), 10) << "seconds; 0.2 is usual, and the bound leaves room for sanitizers and busy machines";
}

}  // namespace
}  // namespace viaduct::steer
