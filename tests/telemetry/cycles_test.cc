#include "telemetry/cycles.h"

#include <gtest/gtest.h>

#include <memory>

namespace viaduct::telemetry {
namespace {

class CyclesTest : public ::testing::Test {
 protected:
  uint64_t cycles(Stage stage) const { return counters->stage_cycles[static_cast<size_t>(stage)].value(); }
  std::unique_ptr<WorkerCounters> counters = std::make_unique<WorkerCounters>();
};

TEST_F(CyclesTest, OneBurstOfSixtyFourIsTimedStageByStage) {
  StageClock clock(*counters);
  for (uint64_t burst = 0; burst < 3 * StageClock::bursts_between; ++burst) {
    clock.begin();
    clock.lap(Stage::receive);
    clock.lap(Stage::decide);
    clock.lap(Stage::decide);
    clock.end(5);
  }
  EXPECT_EQ(counters->stage_messages.value(), 15u);
  EXPECT_GT(cycles(Stage::receive), 0u);
  EXPECT_GT(cycles(Stage::decide), 0u);
  EXPECT_EQ(cycles(Stage::parse), 0u);
}

TEST_F(CyclesTest, AnEmptyPollIsNoBurst) {
  StageClock clock(*counters);
  for (int poll = 0; poll < 1000; ++poll) {
    clock.begin();
    clock.lap(Stage::receive);
    clock.end(0);
  }
  EXPECT_EQ(counters->stage_messages.value(), 0u);
  EXPECT_EQ(cycles(Stage::receive), 0u);
  clock.begin();
  clock.lap(Stage::send);
  clock.end(1);
  EXPECT_EQ(counters->stage_messages.value(), 1u) << "the first burst that comes is timed";
}

TEST_F(CyclesTest, TheBusyShareIsThatOfTheLastWholeWindow) {
  BusyClock clock(*counters);
  uint64_t now = cycles_now() + 1'000'000;
  clock.loop(true, now);
  EXPECT_EQ(counters->window_cycles.value(), 0u) << "not a whole window yet";
  clock.loop(false, now += BusyClock::window_cycles / 2);
  clock.loop(true, now += BusyClock::window_cycles);
  const auto share = [&] {
    return static_cast<double>(counters->window_busy.value()) / static_cast<double>(counters->window_cycles.value());
  };
  EXPECT_NEAR(share(), 2.0 / 3, 0.01);
  clock.loop(false, now += BusyClock::window_cycles / 2);
  EXPECT_NEAR(share(), 2.0 / 3, 0.01) << "as long as the next one lasts";
  clock.loop(false, now += BusyClock::window_cycles);
  EXPECT_EQ(share(), 0.0) << "and what was before is forgotten";
}

TEST(BurstSizes, ArePowersOfTwo) {
  EXPECT_EQ(burst_size_names[burst_size_index(1)], "1");
  EXPECT_EQ(burst_size_names[burst_size_index(3)], "2-3");
  EXPECT_EQ(burst_size_names[burst_size_index(4)], "4-7");
  EXPECT_EQ(burst_size_names[burst_size_index(63)], "32-63");
  EXPECT_EQ(burst_size_names[burst_size_index(64)], "64");
  EXPECT_EQ(burst_size_names[burst_size_index(1000)], "64");
}

}  // namespace
}  // namespace viaduct::telemetry
