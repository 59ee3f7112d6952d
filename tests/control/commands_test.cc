// Commands answered from a made-up status.
#include "control/commands.h"

#include <gtest/gtest.h>

#include "control/report.h"

namespace viaduct::control {
namespace {

using telemetry::Reason;

class CommandsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto proxy = std::make_shared<proxy::View>();
    proxy->listeners.push_back({.name = "public", .pool = 0, .routes = {}, .domains = {}});
    proxy->sockets.push_back({.address = *net::parse_endpoint("192.0.2.10:5060"), .listener = 0});
    proxy->pools.push_back({.name = "proxies", .first_backend = 0, .backend_count = 2, .table = {}, .overlay = {}});
    proxy->backends.push_back({.name = "p1", .address = *net::parse_endpoint("10.0.1.1:5060"), .pool = 0});
    proxy->backends.push_back({.name = "p2", .address = *net::parse_endpoint("10.0.1.2:5060"), .pool = 0,
                               .state = proxy::OperatorState::drain});
    proxy::finish(*proxy);
    view_.proxy = proxy;
    view_.epoch = 7;
    status_.view = &view_;
    status_.version = "0.1.0";
    status_.workers = {{2, counters_[0].get()}, {3, counters_[1].get()}};
    counters_[0]->received.add(10);
    counters_[0]->forwarded.add(6);
    counters_[0]->handed_out.add(3);
    counters_[0]->count(Reason::not_sip);
    counters_[1]->handed_in.add(3);
    counters_[1]->forwarded.add(1);
    counters_[1]->count(Reason::too_many_hops);
    counters_[1]->count(Reason::keepalive);
    counters_[1]->backend_requests[0].add(5);
    counters_[0]->backend_requests[0].add(4);
    status_.names.push_back({.name = "example.net", .endpoint = {}, .known = false, .asking = false, .failures = 2, .problem = "DNS server returned answer with no data"});
  }
  Report json(const std::string& name) { return Report::parse(answer(status_, "show " + name + " json")); }

  std::array<std::unique_ptr<telemetry::WorkerCounters>, 2> counters_{std::make_unique<telemetry::WorkerCounters>(),
                                                                      std::make_unique<telemetry::WorkerCounters>()};
  dataplane::View view_;
  Status status_;
};

TEST_F(CommandsTest, stat_shows_that_the_ledger_closes) {
  const Report report = json("stat");
  EXPECT_EQ(report["ledger"]["received"], 10);
  EXPECT_EQ(report["ledger"]["forwarded"], 7);
  EXPECT_EQ(report["ledger"]["replied"], 1);
  EXPECT_EQ(report["ledger"]["absorbed"], 1);
  EXPECT_EQ(report["ledger"]["dropped"], 1);
  EXPECT_EQ(report["ledger"]["closes"], true);
  ASSERT_EQ(report["workers"].size(), 2u);
  EXPECT_EQ(report["workers"][1]["handed_in"], 3);
  EXPECT_EQ(report["workers"][1]["closes"], true);
}

TEST_F(CommandsTest, stat_shows_a_ledger_that_does_not_close) {
  counters_[0]->received.add(2);
  EXPECT_EQ(json("stat")["ledger"]["closes"], false);
  EXPECT_EQ(json("stat")["ledger"]["in_flight"], 2);
}

TEST_F(CommandsTest, drops_name_reason_and_meaning_most_frequent_first) {
  counters_[0]->count(Reason::via_mac_bad);
  counters_[0]->count(Reason::via_mac_bad);
  const Report report = json("drops");
  EXPECT_EQ(report["reasons"][0]["reason"], "via_mac_bad");
  EXPECT_EQ(report["reasons"][0]["messages"], 2);
  EXPECT_EQ(report["reasons"][0]["booked"], "dropped");
  EXPECT_EQ(report["reasons"].size(), 4u) << "reasons that never occurred are left out";
}

TEST_F(CommandsTest, workers_tell_how_busy_they_are_and_where_the_cycles_go) {
  telemetry::WorkerCounters& counters = *counters_[0];
  counters.window_cycles.set(4000);
  counters.window_busy.set(1000);
  counters.stage_messages.add(10);
  counters.stage_cycles[static_cast<size_t>(telemetry::Stage::parse)].add(2504);
  counters.stage_cycles[static_cast<size_t>(telemetry::Stage::decide)].add(3000);
  counters.bursts_by_size[0].add(7);
  const Report report = json("workers");
  EXPECT_EQ(report["workers"][0]["lcore"], 2);
  EXPECT_EQ(report["workers"][0]["busy_percent"], 25.0);
  EXPECT_TRUE(report["workers"][1]["busy_percent"].is_null()) << "it has not run for a second yet";
  EXPECT_EQ(report["cycles_per_message"][0]["sampled"], 10);
  EXPECT_EQ(report["cycles_per_message"][0]["parse"], 250);
  EXPECT_EQ(report["cycles_per_message"][0]["decide"], 300);
  EXPECT_EQ(report["cycles_per_message"][0]["all"], 550);
  EXPECT_EQ(report["cycles_per_message"][1]["all"], 0);
  EXPECT_EQ(report["burst_sizes"][0]["1"], 7);
  const std::string text = answer(status_, "show workers");
  EXPECT_NE(text.find("cycles_per_message:"), std::string::npos) << text;
  EXPECT_NE(text.find("rewrite"), std::string::npos) << text;
}

TEST_F(CommandsTest, backends_sum_over_workers_and_a_draining_one_gets_no_new_calls) {
  const Report report = json("backends");
  EXPECT_EQ(report["backends"][0]["requests"], 9);
  EXPECT_DOUBLE_EQ(report["backends"][0]["share_percent"], 100.0);
  EXPECT_EQ(report["backends"][1]["state"], "drain");
  EXPECT_DOUBLE_EQ(report["backends"][1]["share_percent"], 0.0);
}

TEST_F(CommandsTest, info_has_the_fingerprint) {
  const Report report = json("info");
  EXPECT_EQ(report["view_epoch"], 7);
  EXPECT_EQ(report["pools"][0]["fingerprint"].get<std::string>().size(), 16u);
  EXPECT_EQ(report["listeners"][0]["address"], "192.0.2.10:5060");
}

TEST_F(CommandsTest, every_command_answers_in_text_and_json_without_an_empty_line) {
  for (const Command& command : commands()) {
    SCOPED_TRACE(std::string(command.name));
    const std::string text = answer(status_, "show " + std::string(command.name));
    EXPECT_EQ(text.find("\n\n"), std::string::npos);
    EXPECT_FALSE(text.starts_with("error"));
    EXPECT_TRUE(Report::accept(answer(status_, "show " + std::string(command.name) + " json")));
  }
}

TEST_F(CommandsTest, every_command_answers_before_there_is_a_view) {
  status_.view = nullptr;
  for (const Command& command : commands()) EXPECT_FALSE(answer(status_, "show " + std::string(command.name)).empty());
}

TEST_F(CommandsTest, what_is_not_understood_is_told_what_is) {
  EXPECT_TRUE(answer(status_, "shwo stat").starts_with("error: 'shwo' is no command; there are"));
  EXPECT_TRUE(answer(status_, "show sttat").starts_with("error: 'sttat' cannot be shown; there are"));
  EXPECT_TRUE(answer(status_, "show stat xml").starts_with("error: 'xml' is no format"));
  EXPECT_TRUE(answer(status_, "\x1b[2J").starts_with("error: '?[2J'")) << "nothing raw goes back to a terminal";
  EXPECT_NE(answer(status_, "help").find("backends"), std::string::npos);
}

TEST(Report, tables_are_aligned_numbers_to_the_right) {
  const Report report = {{"rows", {{{"name", "a"}, {"count", 5}}, {{"name", "longer"}, {"count", 12345}}}}};
  EXPECT_EQ(to_text(report), "rows:\n  name    count\n  a           5\n  longer  12345\n");
}

TEST(Report, members_are_lined_up_and_empty_values_are_a_dash) {
  const Report report = {{"a", ""}, {"long_name", true}, {"list", {1, 2}}, {"none", Report::array()}};
  EXPECT_EQ(to_text(report), "a          -\nlong_name  yes\nlist       1, 2\nnone       -\n");
}

}  // namespace
}  // namespace viaduct::control
