// Commands answered from a made-up status.
#include "control/commands.h"

#include <gtest/gtest.h>

#include <set>

#include "control/answers.h"
#include "control/csv.h"
#include "control/events_report.h"
#include "control/ledger_report.h"
#include "control/report.h"
#include "control/telemetry_tables.h"
#include "fmt/format.h"
#include "nlohmann/json.hpp"

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
    proxy->backends.push_back({.name = "p2",
                               .address = *net::parse_endpoint("10.0.1.2:5060"),
                               .pool = 0,
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
    status_.names.push_back({.name = "example.net",
                             .endpoint = {},
                             .known = false,
                             .asking = false,
                             .failures = 2,
                             .problem = "DNS server returned answer with no data"});
  }
  // Something in every table.
  void fill_everything() {
    config_.pools.push_back({});
    config_.pools[0].name = "proxies";
    for (const char* name : {"p1", "p2"}) {
      config_.pools[0].backends.push_back({});
      config_.pools[0].backends.back().name = name;
      status_.backends.push_back({.pool = "proxies", .backend = name, .address = {}, .since = {}});
    }
    status_.config = &config_;
    dpdk::PortInfo port;
    port.name = "edge";
    port.device = "af_packet:eth0";
    port.driver = "af_packet";
    port.capabilities.push_back({"RSS", "yes", "no"});
    status_.ports.push_back({port, {}, {*net::parse_prefix("192.0.2.10/24")}});
    status_.neighbors.push_back({0, *net::parse_ip("192.0.2.1"), {}});
    status_.routes.push_back({.prefix = *net::parse_prefix("0.0.0.0/0"), .gateway = *net::parse_ip("192.0.2.1")});
    BackendNames::Entry name;
    name.name = "core";
    name.failures = 1;
    name.problem = "no answer";
    status_.backend_names.push_back(name);
    events_.add(EventKind::health, "proxies/p1", "down", {"backend proxies/p1 is down"});
    status_.events = &events_;
  }
  Report json(const std::string& name) { return Report::parse(answer(status_, "show " + name + " json")); }

  std::array<std::unique_ptr<telemetry::WorkerCounters>, 2> counters_{std::make_unique<telemetry::WorkerCounters>(),
                                                                      std::make_unique<telemetry::WorkerCounters>()};
  dataplane::View view_;
  config::Config config_;
  Events events_;
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

TEST_F(CommandsTest, telemetry_tables_have_the_figures_of_the_commands) {
  fill_everything();
  status_.config_file = "/etc/a\"b\\c.toml";
  const auto tables = telemetry_tables(status_);
  const auto row = [&](std::string_view command, size_t index) {
    for (const dpdk::TelemetryTable& table : tables) {
      if (table.command == command && index < table.rows.size()) return table.rows[index];
    }
    ADD_FAILURE() << "no row " << index << " of " << command;
    return dpdk::TelemetryRow{};
  };
  const auto number = [](const dpdk::TelemetryRow& in, std::string_view name) {
    for (const auto& [key, value] : in.values) {
      if (key == name && std::holds_alternative<uint64_t>(value))
        return static_cast<int64_t>(std::get<uint64_t>(value));
    }
    return int64_t{-1};
  };
  EXPECT_EQ(number(row("/viaduct/stat", 0), "received"), 10);
  EXPECT_EQ(number(row("/viaduct/stat", 0), "closes"), 1) << "a flag";
  EXPECT_EQ(number(row("/viaduct/stat", 0), "requests_forwarded"), json("stat")["requests_forwarded"].get<int>());
  EXPECT_EQ(row("/viaduct/workers", 1).name, "1");
  EXPECT_EQ(row("/viaduct/backends", 1).name, "proxies/p2");
  EXPECT_EQ(number(row("/viaduct/backends", 0), "warm_percent_x1000"), 100000) << "a thousandfold whole number";
  EXPECT_EQ(number(row("/viaduct/ports", 0), "fragments_received"), 0) << "no dot in a name";
  EXPECT_EQ(number(row("/viaduct/drops", 0), "messages"), 1);
  for (const dpdk::TelemetryTable& table : tables) {
    EXPECT_LT(table.command.size(), 56u);
    EXPECT_LT(table.help.size(), 128u) << table.command;
    for (const dpdk::TelemetryRow& each : table.rows) {
      EXPECT_LE(each.values.size(), dpdk::telemetry_values_max);
      for (const auto& [key, value] : each.values) {
        EXPECT_EQ(key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string::npos) << key;
        const std::string* text = std::get_if<std::string>(&value);
        if (text == nullptr) continue;
        EXPECT_LE(text->size(), dpdk::telemetry_text_bytes_max);
        EXPECT_EQ(text->find_first_of("\"\\"), std::string::npos) << key << ": DPDK escapes nothing";
      }
    }
  }
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

TEST_F(CommandsTest, workers_tell_of_floods) {
  counters_[1]->flooded.set(1);
  counters_[1]->floods.add(3);
  counters_[1]->shed_percent.set(40);
  const Report report = json("workers");
  EXPECT_EQ(report["workers"][0]["flooded"], false);
  EXPECT_EQ(report["workers"][1]["flooded"], true);
  EXPECT_EQ(report["workers"][1]["floods"], 3);
  EXPECT_EQ(report["workers"][1]["shed_percent"], 40);
}

TEST_F(CommandsTest, overload_tells_who_asks_for_less) {
  const auto empty = json("overload");
  EXPECT_TRUE(empty["backends"].empty());
  auto overload = std::make_shared<dataplane::Overload>();
  overload->feedback = std::make_shared<proxy::Feedback>(*view_.proxy);
  const auto now = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count());
  overload->feedback->take(1, {.percent = 20, .validity_ms = 30'000, .sequence = 5}, now);
  view_.overload = overload;
  counters_[0]->count(Reason::shed_for_backend);
  counters_[1]->count(Reason::answer_over_budget);
  const auto report = json("overload");
  ASSERT_EQ(report["backends"].size(), 2u);
  EXPECT_EQ(report["backends"][1]["backend"], "p2");
  EXPECT_EQ(report["backends"][1]["less_percent"], 20);
  EXPECT_EQ(report["backends"][1]["reports"], 1);
  EXPECT_EQ(report["backends"][0]["less_percent"], 0);
  EXPECT_EQ(report["refused"]["shed_for_backend"], 1);
  EXPECT_EQ(report["refused"]["answer_over_budget"], 1);
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

// Says what is wrong, or nothing.
std::string mismatch(const Column& column, const Report& value) {
  const bool may_be_null = column.kind != Kind::text && column.kind != Kind::flag;
  if (value.is_null()) return may_be_null ? "" : "is missing";
  switch (column.kind) {
    case Kind::text: return value.is_string() ? "" : "is no text";
    case Kind::flag: return value.is_boolean() ? "" : "is no flag";
    case Kind::list: return value.is_array() ? "" : "is no list";
    case Kind::real: return value.is_number() ? "" : "is no number";
    case Kind::number:
    case Kind::counter: return value.is_number_integer() ? "" : "is no whole number";
  }
  return "is of no kind";
}

// Members of `object` that no column names.
void expect_named(const Report& object, const std::string& prefix, const Table& table, const Command& command) {
  for (const auto& [name, value] : object.items()) {
    const std::string path = prefix + name;
    if (value.is_object()) {
      expect_named(value, path + '.', table, command);
      continue;
    }
    const bool known = std::any_of(table.columns.begin(), table.columns.end(),
                                   [&](const Column& column) { return column.name == path; });
    EXPECT_TRUE(known) << command.name << ' ' << table.name << ": no column is named " << path;
  }
}

TEST_F(CommandsTest, what_is_documented_is_what_is_answered) {
  fill_everything();
  for (const Command& command : commands()) {
    SCOPED_TRACE(std::string(command.name));
    Report report = json(std::string(command.name));
    EXPECT_EQ(report["schema"], schema_version);
    EXPECT_EQ(report["command"], command.name);
    Report rest = report;
    for (const char* versioned : {"schema", "command"}) rest.erase(versioned);
    for (const Table& table : command.tables) {
      if (table.shape != Shape::members) {
        EXPECT_TRUE(table.optional || report.contains(table.name)) << table.name;
        rest.erase(std::string(table.name));
      }
      for (const Report& row : rows_of(report, table)) {
        if (table.shape == Shape::members && table.optional && member_at(row, table.columns[0].name).is_null())
          continue;
        for (const Column& column : table.columns) {
          const std::string wrong = mismatch(column, member_at(row, column.name));
          EXPECT_EQ(wrong, "") << table.name << '.' << column.name << ' ' << wrong;
        }
        Report own = row;
        if (table.shape == Shape::named) own.erase(std::string(name_column(table)));
        if (table.shape != Shape::members) expect_named(own, "", table, command);
      }
    }
    for (const Table& table : command.tables) {
      if (table.shape != Shape::members) continue;
      for (const Column& column : table.columns) rest.erase(std::string(column.name));
    }
    EXPECT_TRUE(rest.empty()) << "members that no table names: " << rest.dump();
  }
}

TEST_F(CommandsTest, rows_are_told_apart_by_their_keys) {
  fill_everything();
  for (const Command& command : commands()) {
    for (const Table& table : command.tables) {
      SCOPED_TRACE(std::string(command.name) + ' ' + std::string(table.name));
      const std::vector<std::string_view> keys = key_columns(table);
      const bool has_rows = table.shape == Shape::rows || table.shape == Shape::named;
      // Two clients may ask for copies of the same.
      EXPECT_EQ(!keys.empty(), has_rows && table.name != "captures");
      std::set<std::vector<std::string>> seen;
      for (const Report& row : rows_of(command.report(status_, {}), table)) {
        if (keys.empty()) continue;
        std::vector<std::string> values;
        for (const std::string_view key : keys) values.push_back(member_at(row, key).dump());
        EXPECT_TRUE(seen.insert(values).second) << row;
      }
    }
  }
}

TEST_F(CommandsTest, csv_has_a_line_of_names_and_as_many_fields_in_every_line) {
  fill_everything();
  for (const Command& command : commands()) {
    for (const Table& table : command.tables) {
      const std::string csv = answer(status_, "show " + std::string(command.name) + " csv " + std::string(table.name));
      SCOPED_TRACE(csv);
      EXPECT_EQ(csv.find("\n\n"), std::string::npos);
      const std::string names = csv.substr(0, csv.find('\n'));
      const auto columns = table.columns.size() + (table.shape == Shape::named ? 1 : 0);
      EXPECT_EQ(static_cast<size_t>(std::count(names.begin(), names.end(), ',')) + 1, columns);
    }
  }
  EXPECT_EQ(answer(status_, "show workers csv burst_sizes").substr(0, 20), "worker,1,2-3,4-7,8-1");
  EXPECT_EQ(answer(status_, "show bans csv"), "source,seconds_left,why\n");
  const std::string ports = answer(status_, "show ports csv");
  EXPECT_TRUE(ports.starts_with("port,device,driver,")) << ports;
  EXPECT_NE(ports.find("edge,af_packet:eth0,af_packet,"), std::string::npos) << ports;
}

// Who asks every second must not get tens of thousands of rows.
TEST_F(CommandsTest, bans_are_counted_whether_they_are_listed_or_not) {
  Policies policies(1);
  for (const char* source : {"192.0.2.1", "192.0.2.2", "192.0.2.3"}) {
    ASSERT_TRUE(policies.order(std::string("ban add ") + source + " 60s", events_, std::chrono::steady_clock::now()));
  }
  status_.policies = &policies;
  EXPECT_EQ(json("bans")["bans"].size(), 3u);
  const std::string_view wanted[]{"bans"};
  std::string line = lines_asking(wanted);
  EXPECT_EQ(line, "show bans json first 100");
  line.replace(line.size() - 3, 3, "2");
  const Report brief = Report::parse(answer(status_, line));
  EXPECT_EQ(brief["banned"], 3);
  EXPECT_EQ(brief["bans"].size(), 2u);
  for (const char* wrong : {"first", "first x", "last 3", "first 3 4"}) {
    EXPECT_TRUE(answer(status_, std::string("show bans ") + wrong).starts_with("error: ")) << wrong;
  }
}

TEST_F(CommandsTest, a_flood_of_bans_leaves_the_other_events_in_place) {
  events_.add(EventKind::operator_, "proxies/p1", "state up -> drain", {"drained"});
  for (int i = 0; i < 2000; ++i) events_.add(EventKind::ban, std::to_string(i), "over limit", {"banned"});
  EXPECT_EQ(events_.kept().size(), Events::kept_max);
  EXPECT_EQ(events_.kept().front().kind, EventKind::operator_);
  EXPECT_EQ(events_.kept().back().subject, "1999");
  for (size_t i = 1; i < events_.kept().size(); ++i) EXPECT_LT(events_.kept()[i - 1].number, events_.kept()[i].number);
}

TEST_F(CommandsTest, a_table_that_needs_a_word_is_filled_and_what_has_no_row_is_counted) {
  const auto watch = std::make_unique<dataplane::Watch>("boot");
  status_.watches = {watch.get()};
  const uint32_t known = view_.proxy->backends[0].cookie_id;
  watch->latencies.row(known, 1)->requests = 3;
  const std::string histograms = answer(status_, "show latency csv histograms");
  EXPECT_EQ(std::count(histograms.begin(), histograms.end(), '\n'), 3) << histograms;
  for (uint32_t i = 1; i < telemetry::LatencyTable::rows_max; ++i)
    ASSERT_NE(watch->latencies.row(known + i, 1), nullptr);
  EXPECT_EQ(json("latency")["uncounted"], 0);
  EXPECT_EQ(watch->latencies.row(known, 2), nullptr);
  EXPECT_EQ(json("latency")["uncounted"], 1);
}

TEST(Csv, numbers_are_told_to_the_last_digit) {
  static constexpr Column columns[]{{"a", Kind::counter, ""}, {"b", Kind::real, ""}};
  constexpr Table table{"rows", Shape::rows, "", columns};
  const Report report = {{"rows", {{{"a", 18119400000.0}, {"b", 1811943.25}}}}};
  EXPECT_EQ(to_csv(report, table), "a,b\n18119400000,1811943.25\n");
}

TEST(Csv, commas_quotes_and_line_ends_are_quoted) {
  static constexpr Column columns[]{{"a", Kind::text, ""}, {"b", Kind::list, ""}, {"c.d", Kind::flag, ""}};
  constexpr Table table{"rows", Shape::rows, "", columns};
  const Report report = {{"rows", {{{"a", "x,\"y\"\n"}, {"b", {1, 2}}, {"c", {{"d", true}}}}, {{"a", nullptr}}}}};
  EXPECT_EQ(to_csv(report, table), "a,b,c.d\n\"x,\"\"y\"\" \",1 2,1\n,,\n");
}

TEST_F(CommandsTest, names_that_there_was_no_room_for_are_shown) {
  status_.names_room = {.names = 4096, .names_max = 4096, .refused = 7};
  EXPECT_EQ(json("names")["refused"], 7);
  EXPECT_EQ(json("info")["names"], Report({{"kept", 4096}, {"kept_max", 4096}, {"refused", 7}}));
}

TEST_F(CommandsTest, since_reset_counts_from_the_reset_and_the_ledger_does_not) {
  const Baseline baseline = baseline_of(status_);
  status_.baseline = &baseline;
  counters_[0]->received.add(5);
  counters_[0]->forwarded.add(4);
  counters_[0]->count(Reason::not_sip);
  const Report stat = json("stat");
  EXPECT_EQ(stat["ledger"]["received"], 15);
  EXPECT_EQ(stat["since_reset"]["received"], 5);
  EXPECT_EQ(stat["since_reset"]["forwarded"], 4);
  EXPECT_EQ(stat["since_reset"]["dropped"], 1);
  const Report drops = json("drops");
  EXPECT_EQ(drops["reasons"][0]["reason"], "not_sip");
  EXPECT_EQ(drops["reasons"][0]["messages"], 2);
  EXPECT_EQ(drops["reasons"][0]["since_reset"], 1);
}

TEST_F(CommandsTest, events_are_numbered_and_can_be_asked_for_from_where_one_was) {
  Events events;
  status_.events = &events;
  for (int i = 0; i < 600; ++i) events.add(EventKind::health, "proxies/p1", "down", {"backend proxies/p1 is down"});
  EXPECT_EQ(json("events")["events"].size(), Events::kept_max);
  EXPECT_EQ(json("events")["events"][0]["number"], 89);
  EXPECT_EQ(json("events")["last"], 600);
  EXPECT_EQ(json("events since 598")["events"].size(), 2u);
  for (const std::string_view wrong : {"yesterday", "-1", "1x", "99999999999999999999999"}) {
    EXPECT_TRUE(answer(status_, fmt::format("show events since {}", wrong)).starts_with("error: 'show events [since"));
  }
  EXPECT_EQ(Report::parse(event_json(events.kept().back()))["number"], 600);
}

TEST_F(CommandsTest, events_of_one_kind_can_be_asked_for) {
  Events events;
  status_.events = &events;
  for (const EventKind kind : {EventKind::health, EventKind::port, EventKind::health, EventKind::ban})
    events.add(kind, "who", "what", {"a line"});
  const auto numbers = [&](const char* command) {
    std::vector<int> result;
    const Report told = json(command);
    for (const Report& row : told["events"]) result.push_back(row["number"]);
    return result;
  };
  EXPECT_EQ(numbers("events kind health"), (std::vector{1, 3}));
  EXPECT_EQ(numbers("events kind health since 1"), (std::vector{3}));
  EXPECT_EQ(numbers("events since 1 kind port"), (std::vector{2}));
  EXPECT_EQ(numbers("events kind reload"), (std::vector<int>{}));
  EXPECT_EQ(json("events kind port")["last"], 4) << "where a reader goes on, whatever it wants to hear of";
  for (const std::string_view wrong : {"kind", "kind weather", "kind health,", "kind health port", "health"}) {
    const std::string said = answer(status_, fmt::format("show events {}", wrong));
    EXPECT_TRUE(said.starts_with("error: ") && said.find("a kind of health, pool") != std::string::npos) << said;
  }
}

TEST_F(CommandsTest, config_shows_every_setting_and_what_the_operator_said) {  // SEC-32
  fill_everything();
  const Report rows = json("config")["config"];
  const auto value = [&](const char* section, const char* setting) {
    for (const Report& row : rows) {
      if (row["section"] == section && row["setting"] == setting) {
        return row["value"].get<std::string>() + ' ' + row["source"].get<std::string>();
      }
    }
    return std::string("nothing");
  };
  EXPECT_EQ(value("[control]", "mode"), "0660 file");
  EXPECT_EQ(value("backend proxies/p1", "weight"), "100 file");
  EXPECT_EQ(value("backend proxies/p2", "state"), "drain operator");
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
