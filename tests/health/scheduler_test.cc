// Probes in virtual time.
#include "health/scheduler.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "support/manual_clock.h"

namespace viaduct::health {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr Timing usual{.interval = 2s, .timeout = 1s, .rise = 2, .fall = 3};
constexpr auto tick = 10ms;

// A world of backends that answer or do not, turned tick by tick.
class SchedulerTest : public ::testing::Test {
 protected:
  struct Sent {
    Scheduler::Target target;
    core::Instant at;
  };

  explicit SchedulerTest(Scheduler::Limits limits = {}) : scheduler_(limits) {}

  void run(milliseconds time) {
    for (const auto end = clock_.now() + time; clock_.now() < end;) {
      clock_.advance(tick);
      turn();
    }
  }
  Scheduler::Turn turn() {
    Scheduler::Turn turn = scheduler_.turn(clock_.now());
    for (const Scheduler::Change& change : turn.changes) changed(change);
    for (const Scheduler::Probe& probe : turn.send) {
      sent_.push_back({probe.target, clock_.now()});
      most_outstanding_ = std::max(most_outstanding_, scheduler_.outstanding());
      if (!answers_(probe)) continue;
      if (const auto change = scheduler_.answered(probe.number, true)) changed(*change);
    }
    return turn;
  }
  void changed(const Scheduler::Change& change) {
    changes_.push_back(change);
    changed_at_ = clock_.now();
  }

  test::ManualClock clock_;
  Scheduler scheduler_;
  std::function<bool(const Scheduler::Probe&)> answers_ = [](const auto&) { return true; };
  std::vector<Sent> sent_;
  std::vector<Scheduler::Change> changes_;
  core::Instant changed_at_{};
  size_t most_outstanding_ = 0;
};

TEST_F(SchedulerTest, a_living_backend_is_asked_every_interval_at_the_latest) {
  scheduler_.add("proxies/p1", usual, true, clock_.now());
  run(60s);
  EXPECT_TRUE(changes_.empty());
  ASSERT_GE(sent_.size(), 30u);
  EXPECT_LE(sent_.size(), 34u);
  std::set<core::Instant::rep> periods;
  for (size_t i = 1; i < sent_.size(); ++i) {
    const auto period = sent_[i].at - sent_[i - 1].at;
    EXPECT_LE(period, usual.interval + tick);
    EXPECT_GE(period, usual.interval * 9 / 10 - tick);
    periods.insert(period.count());
  }
  EXPECT_GT(periods.size(), 5u) << "jitter";
}

TEST_F(SchedulerTest, the_same_names_are_asked_at_the_same_moments_and_others_at_others) {
  const auto moments_of = [](std::string_view name) {
    test::ManualClock clock;
    Scheduler scheduler;
    scheduler.add(name, usual, true, clock.now());
    std::vector<core::Instant> moments;
    for (int i = 0; i < 2000; ++i, clock.advance(tick)) {
      for (const auto& probe : scheduler.turn(clock.now()).send) {
        moments.push_back(clock.now());
        scheduler.answered(probe.number, true);
      }
    }
    return moments;
  };
  EXPECT_EQ(moments_of("proxies/p1"), moments_of("proxies/p1"));
  EXPECT_NE(moments_of("proxies/p1"), moments_of("proxies/p2"));
}

TEST_F(SchedulerTest, death_is_seen_within_fall_intervals_and_a_timeout) {  // LBG-23
  for (int backend = 0; backend < 50; ++backend) {
    const auto target = scheduler_.add("proxies/p" + std::to_string(backend), usual, true, clock_.now());
    run(5s);
    changes_.clear();
    const auto died = clock_.now();
    answers_ = [target](const auto& probe) { return probe.target != target; };
    run(usual.fall * usual.interval + usual.timeout + tick);
    ASSERT_EQ(changes_.size(), 1u) << backend;
    EXPECT_FALSE(changes_[0].healthy);
    EXPECT_EQ(changes_[0].target, target);
    EXPECT_LE(changed_at_ - died, usual.fall * usual.interval + usual.timeout + tick);
    EXPECT_GE(changed_at_ - died, (usual.fall - 1) * usual.interval * 9 / 10 + usual.timeout);
    changes_.clear();
    answers_ = [](const auto&) { return true; };
    run(usual.rise * usual.interval + tick);
    ASSERT_EQ(changes_.size(), 1u) << "and so is the return";
    EXPECT_TRUE(changes_[0].healthy);
    scheduler_.remove(target);
  }
}

TEST_F(SchedulerTest, lost_probes_kill_nobody_while_one_of_three_arrives) {
  scheduler_.add("proxies/p1", usual, true, clock_.now());
  int count = 0;
  answers_ = [&](const auto&) { return ++count % 3 == 0; };
  run(300s);
  EXPECT_TRUE(changes_.empty());
}

TEST_F(SchedulerTest, a_wrong_answer_is_a_miss_without_waiting) {
  const auto target = scheduler_.add("proxies/p1", usual, true, clock_.now());
  for (uint32_t i = 0; i < usual.fall; ++i) {
    Scheduler::Turn due;
    while (due.send.empty()) {
      clock_.advance(tick);
      due = scheduler_.turn(clock_.now());
    }
    const auto change = scheduler_.answered(due.send[0].number, false);
    ASSERT_EQ(change.has_value(), i + 1 == usual.fall);
  }
  EXPECT_FALSE(scheduler_.healthy(target));
}

TEST_F(SchedulerTest, an_answer_counts_once_and_only_in_time) {
  const auto target =
      scheduler_.add("proxies/p1", {.interval = 2s, .timeout = 1s, .rise = 2, .fall = 1}, true, clock_.now());
  std::vector<uint64_t> numbers;
  answers_ = [&](const auto& probe) {
    numbers.push_back(probe.number);
    return false;
  };
  run(4s);
  ASSERT_FALSE(scheduler_.healthy(target));
  ASSERT_FALSE(numbers.empty());
  EXPECT_FALSE(scheduler_.answered(numbers[0], true)) << "expired long ago";
  EXPECT_FALSE(scheduler_.answered(numbers[0], true));
  EXPECT_EQ(scheduler_.against(target), 0u) << "and speaks for nothing";
  EXPECT_FALSE(scheduler_.answered(999999, true)) << "never asked";
}

TEST_F(SchedulerTest, a_hint_makes_one_more_probe_and_is_no_verdict) {  // LBG-21
  const auto target = scheduler_.add("proxies/p1", usual, true, clock_.now());
  run(10s);
  sent_.clear();
  EXPECT_TRUE(scheduler_.hint(target, clock_.now()));
  turn();
  EXPECT_EQ(sent_.size(), 1u) << "at once";
  for (int i = 0; i < 100000; ++i) scheduler_.hint(target, clock_.now());
  run(usual.timeout - tick);
  EXPECT_LE(sent_.size(), 2u) << "forged ones buy nothing more";
  EXPECT_TRUE(changes_.empty());
  sent_.clear();
  for (int i = 0; i < 1000; ++i) {
    scheduler_.hint(target, clock_.now());
    run(tick);
  }
  EXPECT_LE(sent_.size(), 10u + 6u) << "one a timeout, and the regular ones";
  EXPECT_TRUE(changes_.empty()) << "it answers, so it lives";
  EXPECT_FALSE(scheduler_.hint(target + 1, clock_.now())) << "nobody";
}

TEST_F(SchedulerTest, with_hints_a_death_is_seen_sooner) {
  const auto target = scheduler_.add("proxies/p1", usual, true, clock_.now());
  run(10s);
  const auto died = clock_.now();
  answers_ = [](const auto&) { return false; };
  while (changes_.empty() && clock_.now() - died < 10s) {
    scheduler_.hint(target, clock_.now());
    run(tick);
  }
  ASSERT_EQ(changes_.size(), 1u);
  EXPECT_LE(changed_at_ - died, 4s);
}

TEST_F(SchedulerTest, who_slept_does_not_judge) {  // fail static
  const auto target =
      scheduler_.add("proxies/p1", {.interval = 2s, .timeout = 1s, .rise = 2, .fall = 1}, true, clock_.now());
  answers_ = [](const auto&) { return false; };
  while (sent_.empty()) run(tick);
  clock_.advance(30s);
  const Scheduler::Turn late = turn();
  EXPECT_EQ(late.forgotten.size(), 1u);
  EXPECT_TRUE(late.changes.empty());
  EXPECT_TRUE(scheduler_.healthy(target));
  EXPECT_EQ(late.send.size(), 1u) << "asked again at once";
  run(usual.timeout + tick);
  EXPECT_FALSE(scheduler_.healthy(target)) << "awake, it judges again";
}

TEST_F(SchedulerTest, stalls_again_and_again_change_nothing) {
  for (const bool healthy : {true, false}) {
    const auto target = scheduler_.add("proxies/p1", usual, healthy, clock_.now());
    answers_ = [](const auto&) { return false; };
    for (int i = 0; i < 100; ++i) {
      run(tick);
      clock_.advance(5s);
    }
    EXPECT_EQ(scheduler_.healthy(target), healthy);
    scheduler_.remove(target);
  }
}

TEST_F(SchedulerTest, a_removed_one_is_asked_no_more) {
  const auto target = scheduler_.add("proxies/p1", usual, true, clock_.now());
  answers_ = [](const auto&) { return false; };
  while (sent_.empty()) run(tick);
  scheduler_.remove(target);
  EXPECT_EQ(scheduler_.outstanding(), 0u);
  sent_.clear();
  run(10s);
  EXPECT_TRUE(sent_.empty());
  EXPECT_TRUE(changes_.empty());
}

TEST_F(SchedulerTest, a_probe_that_could_not_be_sent_is_no_miss) {
  const auto target = scheduler_.add("proxies/p1", usual, true, clock_.now());
  answers_ = [&](const auto& probe) {
    scheduler_.withdraw(probe.number);
    return false;
  };
  run(60s);
  EXPECT_TRUE(scheduler_.healthy(target));
  EXPECT_TRUE(changes_.empty());
}

class CrowdTest : public SchedulerTest {
 protected:
  CrowdTest() : SchedulerTest({.outstanding_max = 8, .stall = 250ms}) {}
};

TEST_F(CrowdTest, probes_under_way_are_bounded_and_everybody_gets_a_turn) {
  std::vector<Scheduler::Target> targets;
  for (int i = 0; i < 64; ++i) targets.push_back(scheduler_.add("p" + std::to_string(i), usual, true, clock_.now()));
  answers_ = [](const auto&) { return false; };
  run(60s);
  EXPECT_EQ(most_outstanding_, 8u);
  for (const auto target : targets) EXPECT_FALSE(scheduler_.healthy(target)) << target;
  EXPECT_EQ(changes_.size(), 64u);
}

}  // namespace
}  // namespace viaduct::health
