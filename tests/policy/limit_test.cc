#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "policy/limit_table.h"

namespace viaduct::policy {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t ms = 1'000'000;
constexpr uint64_t start = 1000 * 1000 * ms;

uint64_t spread(uint64_t number) { return (number + 1) * 0x9e3779b97f4a7c15ull; }

TEST(LimitTable, LetsTheRatePassAndABurstBefore) {
  LimitTable table(1024);
  const LimitRate rate = LimitRate::of(100, 1s, 20);
  unsigned passed = 0;
  for (uint64_t t = 0; t < 10'000; ++t) passed += !table.take({spread(1), "a"}, rate, start + t * ms);  // 1,000/s, 10 s
  EXPECT_NEAR(passed, 1000 + 20, 2);
}

TEST(LimitTable, WhoStaysBelowIsNeverOver) {
  LimitTable table(1024);
  const LimitRate rate = LimitRate::of(10, 1s, 1);
  for (uint64_t i = 0; i < 1000; ++i) EXPECT_FALSE(table.take({spread(1), "a"}, rate, start + i * 100 * ms));
}

TEST(LimitTable, ABurstIsThereAgainAfterAWhile) {
  LimitTable table(1024);
  const LimitRate rate = LimitRate::of(10, 1s, 5);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(table.take({spread(1), "a"}, rate, start));
  EXPECT_TRUE(table.take({spread(1), "a"}, rate, start));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(table.take({spread(1), "a"}, rate, start + 500 * ms));
  EXPECT_TRUE(table.take({spread(1), "a"}, rate, start + 500 * ms));
}

// A source at 100 times its limit loses only its own messages.
TEST(LimitTable, OneSourceAtAHundredTimesItsLimitCostsNobodyElse) {
  LimitTable table(4096);
  const LimitRate rate = LimitRate::of(10, 1s, 10);
  unsigned flood_passed = 0, flood = 0;
  for (uint64_t t = 0; t < 10'000; ++t) {  // ms
    flood_passed += !table.take({spread(0), "flood"}, rate, start + t * ms);
    ++flood;
    if (t % 10 == 0) {  // 20 others in turn, 5 a second each
      EXPECT_FALSE(table.take({spread(1 + t / 10 % 20), "other"}, rate, start + t * ms));
    }
  }
  EXPECT_EQ(flood, 10'000u);
  EXPECT_NEAR(flood_passed, 110, 2);
}

// A million spoofed sources: the memory is what it was, and a source over its limit is still held to it.
TEST(LimitTable, AMillionSpoofedSourcesGrowNothingAndHideNobody) {
  LimitTable table(65536);
  const size_t bytes = table.bytes();
  EXPECT_EQ(bytes, 65536u * 64);
  const LimitRate rate = LimitRate::of(10, 1s, 10);
  unsigned passed = 0, sent = 0;
  for (uint64_t i = 0; i < 1'000'000; ++i) {  // 100,000 a second
    const uint64_t now = start + i * 10'000;
    table.take({spread(i + 100), "spoofed"}, rate, now);
    if (i % 100 == 0) {  // 1,000 a second from one source
      passed += !table.take({spread(7), "heavy"}, rate, now);
      ++sent;
    }
  }
  EXPECT_EQ(table.bytes(), bytes);
  EXPECT_EQ(sent, 10'000u);
  EXPECT_NEAR(passed, 110, 20);
  const auto rows = table.top(1, start + 1'000'000 * uint64_t{10'000});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].label, "heavy");
  EXPECT_NEAR(rows[0].per_second, 1000, 10);
  EXPECT_GT(rows[0].over, 9000u);
}

TEST(LimitTable, TopShowsTheBusiestFirstAndForgetsTheSilent) {
  LimitTable table(1024);
  const LimitRate rate = LimitRate::of(1000, 1s, 1000);
  for (int i = 0; i < 30; ++i) table.take({spread(1), "busy"}, rate, start);
  for (int i = 0; i < 3; ++i) table.take({spread(2), "quiet"}, rate, start);
  const auto rows = table.top(10, start);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].label, "busy");
  EXPECT_EQ(rows[0].per_second, 30);
  EXPECT_EQ(rows[1].label, "quiet");
  EXPECT_TRUE(table.top(10, start + 5000 * ms).empty());
}

// The budget is shared: what the hand-off spreads over workers counts as one.
TEST(LimitTable, TwoWorkersShareOneBudget) {
  LimitTable table(1024);
  const LimitRate rate = LimitRate::of(1000, 1s, 1000);
  std::atomic<unsigned> passed{0};
  const auto work = [&] {
    unsigned mine = 0;
    for (int i = 0; i < 100'000; ++i) mine += !table.take({spread(1), "a"}, rate, start);
    passed += mine;
  };
  table.take({spread(1), "a"}, rate, start);  // known before the two meet
  std::thread first(work), second(work);
  first.join();
  second.join();
  EXPECT_EQ(passed + 1, 1000u);
}

}  // namespace
}  // namespace viaduct::policy
