#include "core/clock.h"

#include <gtest/gtest.h>

#include "support/manual_clock.h"

namespace viaduct::core {
namespace {

// Something that expires, as the rooms above write it.
template <Clock C>
bool expired(const C& clock, Instant since, std::chrono::nanoseconds lifetime) {
  return clock.now() - since >= lifetime;
}

TEST(Clock, IsTurnedByTheTest) {
  test::ManualClock clock;
  const Instant start = clock.now();
  EXPECT_FALSE(expired(clock, start, std::chrono::seconds(32)));
  clock.advance(std::chrono::seconds(32) - std::chrono::nanoseconds(1));
  EXPECT_FALSE(expired(clock, start, std::chrono::seconds(32)));
  clock.advance(std::chrono::nanoseconds(1));
  EXPECT_TRUE(expired(clock, start, std::chrono::seconds(32)));
}

TEST(Clock, NeverGoesBack) {
  const SteadyClock clock;
  Instant before = clock.now();
  for (int i = 0; i < 10'000; ++i) {
    const Instant now = clock.now();
    ASSERT_GE(now, before);
    before = now;
  }
}

}  // namespace
}  // namespace viaduct::core
