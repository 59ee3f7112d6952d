// What counts and when: the window of calls, times, the schedule, the search.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <tuple>
#include <utility>
#include <vector>

#include "blast/call_window.h"
#include "blast/histogram.h"
#include "blast/pacer.h"
#include "blast/search.h"
#include "blast/sources.h"
#include "support/packet_builder.h"

namespace viaduct::blast {
namespace {

using Answer = CallWindow::Answer;

TEST(CallWindow, TellsFirstAnswersFromSecondOnesAndFromThoseToNothing) {
  CallWindow window(16);
  CallWindow::Lost lost{};
  EXPECT_EQ(window.answer(0, Leg::first), Answer::unknown);
  EXPECT_EQ(window.open(lost), 0u);
  EXPECT_TRUE(window.waits(0, Leg::first));
  EXPECT_EQ(window.answer(0, Leg::bye), Answer::unknown) << "no BYE was sent";
  EXPECT_EQ(window.answer(0, Leg::first), Answer::first);
  EXPECT_EQ(window.answer(0, Leg::first), Answer::again);
  EXPECT_TRUE(window.send(0, Leg::bye));
  EXPECT_FALSE(window.send(0, Leg::bye)) << "once";
  EXPECT_EQ(window.answer(0, Leg::bye), Answer::first);
  window.close(lost);
  EXPECT_EQ(lost, CallWindow::Lost{});
}

TEST(CallWindow, AProvisionalAnswerIsHeardAndTheFinalOneStillWaitedFor) {
  CallWindow window(16);
  CallWindow::Lost lost{};
  window.open(lost), window.open(lost);
  EXPECT_TRUE(window.unheard(0, Leg::first));
  window.proceed(0, Leg::first), window.proceed(1, Leg::first), window.proceed(1, Leg::bye);
  EXPECT_FALSE(window.unheard(0, Leg::first));
  EXPECT_TRUE(window.waits(0, Leg::first));
  EXPECT_FALSE(window.waits(1, Leg::bye)) << "none was sent";
  EXPECT_EQ(window.answer(0, Leg::first), Answer::first);
  window.proceed(0, Leg::first);
  EXPECT_EQ(window.answer(0, Leg::first), Answer::again);
  window.close(lost);
  EXPECT_EQ(lost, (CallWindow::Lost{1, 0, 0}));
}

TEST(CallWindow, BooksWhatLeavesItUnansweredAsLost) {
  CallWindow window(16);
  CallWindow::Lost lost{};
  for (int i = 0; i < 16; ++i) window.open(lost);
  window.answer(3, Leg::first);
  window.send(3, Leg::bye);
  EXPECT_EQ(lost[0], 0u);
  for (int i = 0; i < 4; ++i) window.open(lost);  // pushes out 0 to 3
  EXPECT_EQ(lost, (CallWindow::Lost{3, 0, 1}));
  EXPECT_EQ(window.answer(0, Leg::first), Answer::late);
  EXPECT_EQ(window.answer(4, Leg::first), Answer::first);
  EXPECT_FALSE(window.send(2, Leg::cancel));
  window.close(lost);
  EXPECT_EQ(lost, (CallWindow::Lost{18, 0, 1})) << "20 calls, 2 answered";
  window.close(lost);
  EXPECT_EQ(lost, (CallWindow::Lost{18, 0, 1})) << "nothing is lost twice";
}

TEST(Histogram, IsOffByLessThanItSays) {
  Histogram histogram;
  std::mt19937_64 random(1);
  std::vector<uint64_t> times;
  for (int i = 0; i < 20000; ++i) {
    times.push_back(static_cast<uint64_t>(std::exp(static_cast<double>(random() >> 11) * 0x1p-53 * 23)));
    histogram.add(times.back());
  }
  std::sort(times.begin(), times.end());
  for (const double share : {0.01, 0.5, 0.9, 0.99, 0.999}) {
    const auto exact = static_cast<double>(times[static_cast<size_t>(std::ceil(share * 20000)) - 1]);
    EXPECT_NEAR(static_cast<double>(histogram.percentile(share)), exact, 1 + exact * 0.008) << share;
  }
  EXPECT_EQ(histogram.percentile(1), times.back());
  EXPECT_EQ(histogram.max(), times.back());
  EXPECT_EQ(histogram.count(), 20000u);
}

TEST(Histogram, TakesAnyTime) {
  Histogram histogram;
  EXPECT_EQ(histogram.percentile(0.5), 0u);
  for (const uint64_t time : {uint64_t{0}, uint64_t{63}, uint64_t{64}, uint64_t{127}, uint64_t{128}, UINT64_MAX}) {
    histogram.add(time);
  }
  EXPECT_EQ(histogram.percentile(0.1), 0u);
  EXPECT_EQ(histogram.max(), UINT64_MAX);
}

constexpr uint64_t second = 1'000'000'000;

// Calls started when the pacer is asked each microsecond.
uint64_t started_by(Pacer& pacer, uint64_t from, uint64_t to) {
  uint64_t calls = 0;
  for (uint64_t now = from; now < to; now += 1000) {
    const uint64_t due = pacer.due(now, 64);
    pacer.started(due);
    calls += due;
  }
  return calls;
}

TEST(Pacer, KeepsTheRateWhateverTheAnswers) {
  Schedule schedule;
  schedule.rate = schedule.rate_end = 12345;
  schedule.duration_ns = 2 * second;
  Pacer pacer(schedule);
  pacer.begin(5 * second);
  EXPECT_EQ(pacer.due(5 * second, 1), 1u) << "the first is due at once";
  const uint64_t calls = started_by(pacer, 5 * second, 6 * second);
  EXPECT_EQ(calls, 12345u);
  EXPECT_EQ(started_by(pacer, 6 * second, 9 * second), 12345u);
  EXPECT_TRUE(pacer.over(7 * second));
  EXPECT_EQ(pacer.skipped(), 0u);
}

TEST(Pacer, StartsAsManyCallsAsRateAndDurationMake) {
  for (const auto& [rate, seconds, calls] : {std::tuple{1.0, 1.0, 1u},
                                             {0.1, 30.0, 3u},
                                             {3.0, 2.0, 6u},
                                             {10.0, 0.25, 3u},
                                             {49.0, 1.0, 49u},
                                             {0.1, 0.3, 1u}}) {
    Schedule schedule;
    schedule.rate = schedule.rate_end = rate;
    schedule.duration_ns = static_cast<uint64_t>(seconds * 1e9);
    Pacer pacer(schedule);
    pacer.begin(0);
    uint64_t started = 0, now = 0;
    for (; !pacer.over(now); now += 700'001) {
      const uint64_t due = pacer.due(now, 64);
      pacer.started(due), started += due;
    }
    pacer.close();
    EXPECT_EQ(started, calls) << rate;
    EXPECT_EQ(pacer.skipped(), 0u) << rate;
    EXPECT_LE(now, schedule.duration_ns + 1'400'002) << "and ends in time";
  }
}

TEST(Pacer, EndsSoonAfterItsTimeWhereNothingCanBeStarted) {
  Schedule schedule;
  schedule.rate = schedule.rate_end = 1000;
  schedule.duration_ns = second;
  Pacer pacer(schedule);
  pacer.begin(0);
  for (uint64_t now = 0; now < second; now += 1000) pacer.due(now, 0);
  EXPECT_FALSE(pacer.over(second));
  EXPECT_TRUE(pacer.over(second + second / 20));
  pacer.close();
  EXPECT_EQ(pacer.skipped(), 1000u);
}

TEST(Pacer, RisesEvenlyInARamp) {
  Schedule schedule;
  schedule.rate = 0, schedule.rate_end = 10000;
  schedule.duration_ns = 2 * second;
  Pacer pacer(schedule);
  pacer.begin(0);
  EXPECT_NEAR(static_cast<double>(started_by(pacer, 0, second)), 2500, 2);
  EXPECT_NEAR(static_cast<double>(started_by(pacer, second, 2 * second)), 7500, 2);
}

TEST(Pacer, GivesUpWhatALongStallHasLeftBehind) {
  Schedule schedule;
  schedule.rate = schedule.rate_end = 1000;
  schedule.duration_ns = 10 * second;
  Pacer pacer(schedule);
  pacer.begin(0);
  EXPECT_EQ(started_by(pacer, 0, second), 1000u);
  const uint64_t after = started_by(pacer, 3 * second, 4 * second);
  EXPECT_GE(pacer.skipped(), 1800u);
  EXPECT_NEAR(static_cast<double>(after + pacer.skipped()), 3000, 1) << "started and given up are all that were due";
}

TEST(Pacer, StopsAfterTheCallsThatAreOrdered) {
  Schedule schedule;
  schedule.as_fast_as_possible = true;
  schedule.calls = 100;
  Pacer pacer(schedule);
  pacer.begin(0);
  EXPECT_EQ(pacer.due(1, 64), 64u);
  pacer.started(64);
  EXPECT_EQ(pacer.due(1, 64), 36u);
  pacer.started(36);
  EXPECT_TRUE(pacer.over(1));
  EXPECT_EQ(pacer.due(1, 64), 0u);
}

double search_for(double limit, const RateSearch::Options& options) {
  RateSearch search(options);
  while (!search.finished()) search.report(search.rate() <= limit);
  return search.result();
}

TEST(RateSearch, FindsTheLimitFromBelowWithinItsResolution) {
  for (const double limit : {1500.0, 9999.0, 10000.0, 31234.0, 4.7e6}) {
    const double found = search_for(limit, {.start = 10000, .resolution = 0.02});
    EXPECT_LE(found, limit);
    EXPECT_GE(found, limit * 0.97) << limit;
  }
  EXPECT_EQ(search_for(1e12, {.start = 10000, .ceiling = 5e5}), 5e5);
  EXPECT_EQ(search_for(0, {.start = 10000}), 0);
}

TEST(RateSearch, OnlyWhatIsConfirmedIsAResult) {
  RateSearch search({.start = 1000, .resolution = 0.02});
  const auto passes = [&search](double rate) { return rate <= (search.confirming() ? 400 : 500); };
  double last = 0;
  while (!search.finished()) {
    EXPECT_EQ(search.result(), 0);
    last = search.rate();
    search.report(passes(last));
  }
  EXPECT_TRUE(search.confirming());
  EXPECT_EQ(search.result(), last);
  EXPECT_LE(search.result(), 400);
  EXPECT_GE(search.result(), 400 * 0.97);
}

TEST(RateSearch, ARateThatPassedOnceByChanceIsNoResult) {
  RateSearch search({.start = 1000, .resolution = 0.02});
  double lucky = 0;
  while (!search.finished()) {
    const bool pass = search.rate() <= 500 || (lucky == 0 && search.rate() == 1000);
    if (search.rate() == 1000) lucky = 1;
    search.report(pass);
  }
  EXPECT_LE(search.result(), 500);
}

TEST(RateSearch, ARateThatFailedOnceByChanceIsTriedAgain) {
  const auto search_with = [](unsigned repeats) {
    RateSearch search({.start = 1000, .resolution = 0.02, .repeats = repeats});
    for (bool stood_still = false; !search.finished();) {
      const bool chance = search.rate() == 4000 && !std::exchange(stood_still, search.rate() == 4000);
      search.report(!chance && search.rate() <= 31000);
    }
    return search.result();
  };
  EXPECT_GE(search_with(1), 31000 * 0.97);
  EXPECT_LE(search_with(1), 31000);
  EXPECT_LE(search_with(0), 4000) << "RFC 2544 to the letter";
}

TEST(Sources, AreAllDifferentAndEndWhereAddressesDo) {
  const auto sources = Sources::make(viaduct::test::endpoint("10.0.0.254:65534"), 3, 2);
  ASSERT_TRUE(sources);
  EXPECT_EQ(sources->size(), 6u);
  EXPECT_EQ((*sources)[0].sent_by(), "10.0.0.254:65534");
  EXPECT_EQ((*sources)[5].sent_by(), "10.0.1.0:65535");
  EXPECT_EQ(&sources->of(13), &(*sources)[1]);
  for (size_t i = 0; i < sources->size(); ++i) EXPECT_TRUE(sources->contains((*sources)[i].endpoint));
  for (const char* const other : {"10.0.0.253:65534", "10.0.1.1:65534", "10.0.0.254:65533", "10.1.0.254:65534",
                                  "11.0.0.254:65534", "[2001:db8::a00:fe]:65534"}) {
    EXPECT_FALSE(sources->contains(viaduct::test::endpoint(other))) << other;
  }
  EXPECT_FALSE(Sources::make(viaduct::test::endpoint("10.0.0.1:65535"), 1, 2));
  EXPECT_FALSE(Sources::make(viaduct::test::endpoint("255.255.255.255:1"), 2, 1));
}

}  // namespace
}  // namespace viaduct::blast
