// [overload] compiled for workers, and what is told of floods.
#include "control/overload.h"

#include <gtest/gtest.h>

#include "control/compile.h"

namespace viaduct::control {
namespace {

proxy::View view_with(bool feedback, std::initializer_list<const char*> addresses) {
  proxy::View view;
  view.pools.emplace_back().feedback = feedback;
  for (const char* address : addresses) {
    proxy::Backend& backend = view.backends.emplace_back();
    backend.name = address;
    backend.address = *net::parse_endpoint(address);
    backend.pool = 0;
  }
  return view;
}

// LOC-14: a reload gives nobody a new budget.
TEST(CompileOverload, BudgetsOutliveAReload) {
  const proxy::View view = view_with(false, {"10.0.1.1:5060"});
  config::Overload config;
  const auto first = compile_overload(config, view, nullptr);
  ASSERT_NE(first->answers, nullptr);
  EXPECT_EQ(first->feedback, nullptr);
  EXPECT_EQ(first->flood.shed_percent_max, 0u);
  config.answers = 5, config.shed_max = 30, config.flood_after = std::chrono::milliseconds(7);
  const auto second = compile_overload(config, view, first.get());
  EXPECT_EQ(second->answers, first->answers);
  EXPECT_NE(second->answer_rate.interval_ns, first->answer_rate.interval_ns);
  EXPECT_EQ(second->flood.shed_percent_max, 30u);
  EXPECT_EQ(second->flood.after_ns, 7'000'000u);
  config.answers_entries *= 2;
  EXPECT_NE(compile_overload(config, view, second.get())->answers, first->answers);
  config.answers = 0;
  EXPECT_EQ(compile_overload(config, view, second.get())->answers, nullptr);
}

// OVL-03: by address, whatever else changes.
TEST(CompileOverload, WishesOfBackendsOutliveAReload) {
  const proxy::View view = view_with(true, {"10.0.1.1:5060", "10.0.1.2:5060"});
  const auto first = compile_overload({}, view, nullptr);
  ASSERT_NE(first->feedback, nullptr);
  first->feedback->take(1, {.percent = 30, .validity_ms = 500, .sequence = 1}, 1000);
  EXPECT_EQ(compile_overload({}, view, first.get())->feedback, first->feedback);
  const auto next = compile_overload({}, view_with(true, {"10.0.1.2:5060", "10.0.1.3:5060"}), first.get());
  EXPECT_EQ(next->feedback->percent(0, 1100), 30u);
  EXPECT_EQ(next->feedback->percent(1, 1100), 0u);
}

TEST(FloodNewsTest, ComingAndGoingAreEventsOnce) {
  const auto one = std::make_unique<telemetry::WorkerCounters>(), two = std::make_unique<telemetry::WorkerCounters>();
  const telemetry::WorkerCounters* const workers[] = {one.get(), two.get()};
  FloodNews news;
  Events events;
  news.turn(workers, events);
  EXPECT_TRUE(events.kept().empty());
  two->flooded.set(1), two->floods.add();
  news.turn(workers, events);
  news.turn(workers, events);
  ASSERT_EQ(events.kept().size(), 1u);
  EXPECT_EQ(events.kept()[0].kind, EventKind::overload);
  EXPECT_EQ(events.kept()[0].subject, "worker 1");
  two->flooded.set(0);
  news.turn(workers, events);
  news.turn(workers, events);
  EXPECT_EQ(events.kept().size(), 2u);
  one->floods.add();  // between two looks it has begun and ended
  news.turn(workers, events);
  EXPECT_EQ(events.kept().size(), 4u);
}

}  // namespace
}  // namespace viaduct::control
