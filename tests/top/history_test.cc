// Rates between two answers, and what says nothing.
#include <gtest/gtest.h>

#include "balancer.h"
#include "control/commands.h"
#include "control/csv.h"

namespace viaduct::top {
namespace {

TEST(History, rates_are_what_a_second_brought) {
  Balancer balancer;
  History history;
  history.add(at(0), balancer.told());
  EXPECT_FALSE(history.rate("stat", "ledger", "received")) << "one answer says nothing about a second";
  balancer.received += 100;
  balancer.requests += 10;
  balancer.uptime += 4;
  history.add(at(4), balancer.told());
  EXPECT_EQ(history.rate("stat", "ledger", "received"), 25.0);
  const Json& rows = history.rows("backends", "backends");
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(history.rate("backends", "backends", rows[2], "requests"), 7.5) << "of this backend alone";
}

TEST(History, what_is_there_for_the_first_time_was_zero_before) {
  Balancer balancer;
  History history;
  control::Told first = balancer.told();
  first["drops"]["reasons"] = Json::array();
  history.add(at(0), std::move(first));
  history.add(at(1), balancer.told());
  EXPECT_EQ(history.rate("drops", "reasons", history.rows("drops", "reasons")[0], "messages"), 10.0);
}

TEST(History, a_balancer_that_was_started_anew_has_no_rates_until_it_is_asked_again) {
  Balancer balancer;
  History history;
  history.add(at(0), balancer.told());
  balancer = {.uptime = 1, .received = 4, .dropped = 0, .requests = 2};
  history.add(at(1), balancer.told());
  EXPECT_FALSE(history.rate("stat", "ledger", "received"));
  EXPECT_EQ(history.restarted(), at(1));
  balancer.uptime += 1;
  balancer.received += 6;
  history.add(at(2), balancer.told());
  EXPECT_EQ(history.rate("stat", "ledger", "received"), 6.0);
}

// It has counted more by now than the one before it ever did.
TEST(History, a_restart_is_seen_though_all_counts_are_larger) {
  Balancer balancer{.uptime = 5};
  History history;
  history.add(at(0), balancer.told());
  history.miss(at(1), "nothing answers");
  balancer.uptime = 50;
  balancer.received *= 10;
  history.add(at(60), balancer.told());
  EXPECT_EQ(history.restarted(), at(60));
  EXPECT_FALSE(history.rate("stat", "ledger", "received"));
}

TEST(History, an_answer_that_was_late_is_no_restart) {
  Balancer balancer;
  History history;
  history.add(at(0), balancer.told());
  balancer.received += 40;
  history.add(at(1.9), balancer.told());  // whole seconds: the same as before
  EXPECT_FALSE(history.restarted());
  EXPECT_TRUE(history.rate("stat", "ledger", "received"));
}

TEST(History, who_is_gone_has_figures_but_no_rates) {
  History history = history_of();
  history.miss(at(2), "nothing answers at 'x'");
  history.miss(at(3), "nothing answers at 'x'");
  EXPECT_EQ(history.gone_since(), at(2));
  EXPECT_FALSE(history.rate("stat", "ledger", "received"));
  EXPECT_EQ(number_of(history.value("stat", "ledger", "received")), 1100.0);
  Balancer balancer{.uptime = 104, .received = 1200};
  history.add(at(4), balancer.told());
  EXPECT_FALSE(history.gone_since());
}

TEST(History, a_counter_that_falls_says_nothing) {
  Balancer balancer;
  History history;
  history.add(at(0), balancer.told());
  balancer.requests -= 1;
  balancer.uptime += 1;
  history.add(at(1), balancer.told());
  EXPECT_FALSE(history.rate("backends", "backends", history.rows("backends", "backends")[0], "requests"));
}

// What is misspelt would never be found.
TEST(History, the_commands_that_it_needs_exist) {
  for (const std::string_view name : commands_needed()) EXPECT_NE(control::command_named(name), nullptr) << name;
}

TEST(History, what_a_stranger_wrote_is_printable) { EXPECT_EQ(text_of(Json("\x1b[2J\u00e9")), "?[2J??"); }

}  // namespace
}  // namespace viaduct::top
