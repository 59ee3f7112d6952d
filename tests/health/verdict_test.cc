// What outcomes, statuses and silence mean.
#include <gtest/gtest.h>

#include "health/accepted.h"
#include "health/rise_fall.h"
#include "health/silence.h"
#include "support/manual_clock.h"

namespace viaduct::health {
namespace {

using namespace std::chrono_literals;

TEST(RiseFall, as_many_in_a_row_as_configured_change_the_verdict) {  // LBG-23: hysteresis
  RiseFall state(2, 3, true);
  EXPECT_FALSE(state.take(false));
  EXPECT_FALSE(state.take(false));
  EXPECT_TRUE(state.healthy());
  EXPECT_EQ(state.against(), 2u);
  EXPECT_TRUE(state.take(false));
  EXPECT_FALSE(state.healthy());
  EXPECT_FALSE(state.take(false)) << "down already";
  EXPECT_FALSE(state.take(true));
  EXPECT_TRUE(state.take(true));
  EXPECT_TRUE(state.healthy());
}

TEST(RiseFall, an_outcome_between_starts_the_count_anew) {
  RiseFall state(2, 3, true);
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(state.take(false));
    EXPECT_FALSE(state.take(false));
    EXPECT_FALSE(state.take(true));
  }
  EXPECT_TRUE(state.healthy());
  RiseFall down(2, 3, false);
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(down.take(true));
    EXPECT_FALSE(down.take(false));
  }
  EXPECT_FALSE(down.healthy());
}

TEST(Accepted, classes_and_single_statuses) {  // LBG-23
  const std::vector<std::string> patterns{"2xx", "403", "405", "404", "483", "501"};
  const Accepted accepted(patterns);
  for (const uint16_t good : {200, 202, 299, 403, 404, 405, 483, 501}) EXPECT_TRUE(accepted.contains(good)) << good;
  for (const uint16_t bad : {100, 199, 300, 400, 408, 500, 503, 600, 699, 700, 65535}) {
    EXPECT_FALSE(accepted.contains(bad)) << bad;
  }
  EXPECT_FALSE(Accepted().contains(200));
  const std::vector<std::string> nonsense{"2x", "9xx", "2x0", "", "0xx"};
  EXPECT_EQ(Accepted(nonsense), Accepted());
}

class SilenceTest : public ::testing::Test {
 protected:
  bool after(std::chrono::milliseconds time, uint64_t requests, uint64_t responses) {
    clock_.advance(time);
    return silence_.take(requests, responses, clock_.now(), 10s);
  }
  test::ManualClock clock_;
  Silence silence_;
};

TEST_F(SilenceTest, needs_unanswered_requests_and_time) {
  EXPECT_FALSE(after(0s, 0, 0));
  EXPECT_FALSE(after(1h, 0, 0)) << "nobody asked";
  EXPECT_FALSE(after(1s, 100, 0)) << "just asked";
  EXPECT_FALSE(after(9s, 200, 0));
  EXPECT_TRUE(after(1s, 201, 0));
  EXPECT_TRUE(after(1s, 201, 0)) << "as long as it lasts";
  EXPECT_FALSE(after(1s, 300, 1)) << "a single response ends it";
  EXPECT_FALSE(after(20s, 300, 1)) << "and what was asked before counts no more";
}

TEST_F(SilenceTest, a_few_requests_are_too_few) {
  EXPECT_FALSE(after(1s, 4, 0));
  EXPECT_FALSE(after(1h, 4, 0));
  EXPECT_TRUE(after(1s, 5, 0));
}

TEST_F(SilenceTest, a_long_quiet_time_before_does_not_count) {
  EXPECT_FALSE(after(1s, 10, 10));
  EXPECT_FALSE(after(1h, 20, 10)) << "an hour without requests, then ten at once";
  EXPECT_TRUE(after(10s, 20, 10));
}

TEST_F(SilenceTest, counters_that_start_anew_are_no_silence) {
  EXPECT_FALSE(after(1s, 100, 50));
  EXPECT_FALSE(after(20s, 3, 50));
  EXPECT_FALSE(after(20s, 3, 50));
}

}  // namespace
}  // namespace viaduct::health
