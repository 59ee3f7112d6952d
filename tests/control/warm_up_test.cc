// A backend that comes up gets its share step by step.
#include "control/warm_up.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "control/cluster.h"

namespace viaduct::control {
namespace {

using namespace std::chrono_literals;

TEST(PartAfter, grows_by_equal_steps_of_a_second_to_the_whole) {
  steer::Part before = 0;
  for (int second = 0; second < 30; ++second) {
    const steer::Part part = part_after(std::chrono::seconds(second), 30s);
    EXPECT_NEAR(part - before, steer::whole / 31.0, 1) << second;
    EXPECT_EQ(part_after(std::chrono::seconds(second) + 999ms, 30s), part) << "nothing happens between two steps";
    before = part;
  }
  EXPECT_EQ(part_after(30s, 30s), steer::whole);
  EXPECT_EQ(part_after(1h, 30s), steer::whole);
}

TEST(PartAfter, has_a_bounded_number_of_steps) {
  std::set<steer::Part> parts;
  for (int second = 0; second <= 3600; ++second) parts.insert(part_after(std::chrono::seconds(second), 1h));
  EXPECT_LE(parts.size(), 66u);
  EXPECT_GE(parts.size(), 60u);
  EXPECT_EQ(part_after(1500ms, 1500ms), steer::whole);
  EXPECT_LT(part_after(1400ms, 1500ms), steer::whole);
}

class SlowStart : public ::testing::Test {
 protected:
  static config::Config configuration(int count, std::string_view pool = "slow_start = \"30s\"\n[pool.health]\n") {
    std::string text =
        "[control]\nstate_file = \"\"\n[[port]]\nname = \"e\"\ndevice = \"af_packet:eth0\"\n[[listener]]\nname = "
        "\"l\"\naddress = \"192.0.2.1\"\npool = \"p\"\n[[pool]]\nname = \"p\"\n";
    text += pool;
    for (int i = 1; i <= count; ++i) {
      text +=
          "[[pool.backend]]\nname = \"p" + std::to_string(i) + "\"\naddress = \"10.0.1." + std::to_string(i) + "\"\n";
    }
    config::Loaded loaded = config::load_text(text, "f");
    for (const auto& error : loaded.errors) ADD_FAILURE() << config::to_string(error);
    return loaded.config.value_or(config::Config{});
  }
  std::vector<std::string> owners() const { return owners(view().pools[0].overlay); }
  std::vector<std::string> owners(const steer::Table& table) const {
    std::vector<std::string> owners;
    for (const uint16_t member : table.slots()) {
      owners.push_back(member == steer::no_member ? "" : view().backends[member].name);
    }
    return owners;
  }
  const proxy::View& view() const { return *cluster_.view(); }
  double share(const std::string& name) const {
    const std::vector<std::string> all = owners();
    return static_cast<double>(std::count(all.begin(), all.end(), name)) / steer::table_slots;
  }
  void verdict(const std::string& key, bool healthy) { cluster_.take({{key, healthy, "said so"}}); }
  bool pass(std::chrono::seconds time) {
    now_ += time;
    return cluster_.turn(now_);
  }

  core::Instant now_{1h};
  Cluster cluster_{configuration(8), config::Secrets{}, [this] { return now_; }};
};

TEST_F(SlowStart, everybody_is_warm_at_the_start_of_the_program) {
  EXPECT_NEAR(share("p3"), 0.125, 0.01);
  EXPECT_FALSE(pass(1s));
}

TEST_F(SlowStart, a_backend_that_answers_again_gets_its_share_in_as_many_seconds) {
  const std::vector<std::string> healthy = owners();
  const double full = share("p3");
  verdict("p/p3", false);
  std::vector<std::string> before = owners();
  EXPECT_EQ(share("p3"), 0);
  verdict("p/p3", true);
  EXPECT_NEAR(share("p3"), full / 31, 0.002);
  for (int second = 1; second <= 30; ++second) {
    EXPECT_TRUE(pass(1s));
    EXPECT_NEAR(share("p3"), full * std::min(1.0, (second + 1) / 31.0), 0.006) << second;
    const std::vector<std::string> now = owners();
    for (size_t slot = 0; slot < now.size(); ++slot) {
      ASSERT_TRUE(now[slot] == before[slot] || now[slot] == "p3") << "a slot that it has not got stays where it is";
    }
    before = now;
  }
  EXPECT_EQ(owners(), healthy);
  EXPECT_FALSE(pass(1s)) << "warm";
}

TEST_F(SlowStart, whoever_was_chosen_before_or_during_it_is_found_for_its_transactions) {  // LBG-01, LBG-03
  verdict("p/p3", false);
  const std::vector<std::string> cold = owners();
  verdict("p/p3", true);
  pass(10s);
  pass(15s);
  const std::vector<std::string> midway = owners();
  pass(15s);
  pass(std::chrono::duration_cast<std::chrono::seconds>(Past::kept) - 20s);
  std::vector<std::vector<std::string>> kept{owners()};
  for (const steer::Table& table : view().pools[0].previous) kept.push_back(owners(table));
  for (size_t slot = 0; slot < cold.size(); ++slot) {
    for (const std::string& chosen : {cold[slot], midway[slot]}) {
      ASSERT_TRUE(std::any_of(kept.begin(), kept.end(), [&](const auto& table) { return table[slot] == chosen; }));
    }
  }
  EXPECT_LE(kept.size(), 4u) << "steps are no past of their own";
}

TEST_F(SlowStart, an_operators_up_starts_it_and_another_fall_starts_it_anew) {
  ASSERT_TRUE(cluster_.set_state("p/p3", proxy::OperatorState::drain));
  ASSERT_TRUE(cluster_.set_state("p/p3", proxy::OperatorState::up));
  pass(20s);
  const double late = share("p3");
  EXPECT_NEAR(late, 0.127 * 21 / 31, 0.006);
  verdict("p/p3", false);
  verdict("p/p3", true);
  EXPECT_LT(share("p3"), 0.01);
  ASSERT_TRUE(cluster_.set_weight("p/p3", 200));
  EXPECT_LT(share("p3"), 0.02) << "a weight is another matter";
  pass(30s);
  EXPECT_NEAR(share("p3"), 2.0 / 9, 0.01);
}

TEST_F(SlowStart, two_nodes_that_see_the_same_choose_alike) {  // LBG-16
  Cluster other{configuration(8), config::Secrets{}, [this] { return now_; }};
  for (const bool healthy : {false, true}) {
    verdict("p/p3", healthy);
    other.take({{"p/p3", healthy, "said so"}});
  }
  pass(7s);
  other.turn(now_);
  EXPECT_EQ(other.view()->pools[0].overlay.fingerprint(), view().pools[0].overlay.fingerprint());
}

TEST_F(SlowStart, the_last_one_serves_all_at_once) {
  for (int i = 1; i <= 8; ++i) verdict("p/p" + std::to_string(i), false);
  verdict("p/p3", true);
  EXPECT_EQ(share("p3"), 1) << "nobody else could";
  EXPECT_EQ(view().backends[2].part, steer::whole);
}

TEST_F(SlowStart, without_it_a_share_comes_back_at_once) {
  Cluster quick{configuration(8, "[pool.health]\n"), config::Secrets{}, [this] { return now_; }};
  const uint64_t before = quick.view()->pools[0].overlay.fingerprint();
  quick.take({{"p/p3", false, "said so"}});
  quick.take({{"p/p3", true, "said so"}});
  EXPECT_EQ(quick.view()->pools[0].overlay.fingerprint(), before);
}

}  // namespace
}  // namespace viaduct::control
