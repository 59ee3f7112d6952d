// Metrics from made-up answers.
#include "serve/metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "control/commands.h"
#include "control/csv.h"
#include "nlohmann/json.hpp"
#include "telemetry/reason.h"

namespace viaduct::serve {
namespace {

using Json = nlohmann::ordered_json;

Answers some_answers() {
  Answers answers;
  answers["stat"] = Json::parse(R"({"ledger":{"in_flight":0},"requests_forwarded":18446744073709551615,
    "responses_forwarded":2,"bytes_received":3,"workers":[{"worker":0,"received":5},{"worker":1,"received":7}]})");
  answers["drops"] = Json::parse(R"({"reasons":[{"reason":"not_sip","booked":"dropped","messages":9}]})");
  answers["backends"] = Json::parse(R"({"backends":[{"pool":"a\"b\\c","backend":"p1","state":"drain","healthy":true,
    "weight":100,"share_percent":12.5}]})");
  answers["ports"] = Json::parse(R"({"ports":{"edge":{"link":"up","rx_packets":4,"fragments":{"received":6}}}})");
  answers["workers"] = Json::parse(R"({"workers":[{"worker":0,"busy_percent":null}]})");
  return answers;
}

bool has(const std::string& text, const std::string& line) {
  return text.starts_with(line + '\n') || text.find('\n' + line + '\n') != std::string::npos;
}

TEST(Metrics, samples_have_values_and_labels_from_the_columns) {
  const std::string text = exposition(some_answers(), Dialect::prometheus);
  SCOPED_TRACE(text);
  EXPECT_TRUE(has(text, R"(viaduct_messages_total{worker="1",term="received"} 7)"));
  EXPECT_TRUE(has(text, R"(viaduct_forwarded_messages_total{kind="request"} 18446744073709551615)"))
      << "to the last digit";
  EXPECT_TRUE(has(text, R"(viaduct_backend_share_ratio{pool="a\"b\\c",backend="p1"} 0.125)"));
  EXPECT_TRUE(has(text, R"(viaduct_backend_state_info{pool="a\"b\\c",backend="p1",state="drain"} 1)"));
  EXPECT_TRUE(has(text, R"(viaduct_port_link_up{port="edge"} 1)"));
  EXPECT_TRUE(has(text, R"(viaduct_port_fragments_total{port="edge",direction="in"} 6)"));
  EXPECT_TRUE(has(text, "viaduct_up 1"));
  EXPECT_EQ(text.find("viaduct_worker_busy_ratio{"), std::string::npos) << "what is not known yet is no sample";
}

TEST(Metrics, reasons_that_have_not_occurred_are_zero) {
  const std::string text = exposition(some_answers(), Dialect::prometheus);
  EXPECT_TRUE(has(text, R"(viaduct_unforwarded_messages_total{reason="not_sip",booked="dropped"} 9)"));
  EXPECT_TRUE(has(text, R"(viaduct_unforwarded_messages_total{reason="too_many_hops",booked="replied"} 0)"));
  size_t count = 0;
  for (size_t at = 0; (at = text.find("\nviaduct_unforwarded_messages_total{", at)) != std::string::npos; ++at) ++count;
  EXPECT_EQ(count, telemetry::reason_count);
}

TEST(Metrics, without_a_balancer_there_is_nothing_but_that) {
  const std::string text = exposition({}, Dialect::openmetrics);
  EXPECT_TRUE(has(text, "viaduct_up 0"));
  EXPECT_TRUE(text.ends_with("# EOF\n"));
  EXPECT_EQ(text.find("viaduct_messages"), std::string::npos);
}

TEST(Metrics, openmetrics_names_families_without_suffix_and_their_units) {
  const std::string text = exposition(some_answers(), Dialect::openmetrics);
  EXPECT_TRUE(has(text, "# TYPE viaduct_received_bytes counter"));
  EXPECT_TRUE(has(text, "# UNIT viaduct_received_bytes bytes"));
  EXPECT_TRUE(has(text, "viaduct_received_bytes_total 3"));
  EXPECT_TRUE(has(text, "# TYPE viaduct_backend_state info"));
}

TEST(Metrics, a_table_without_end_is_cut_and_what_is_left_out_is_counted) {
  Answers answers;
  for (size_t i = 0; i < rows_max + 5; ++i) {
    answers["rules"]["rules"].push_back({{"rule", std::to_string(i)}, {"mode", "enforce"}, {"matched", i}});
  }
  const std::string text = exposition(answers, Dialect::prometheus);
  EXPECT_NE(text.find("rule=\"1023\""), std::string::npos);
  EXPECT_EQ(text.find("rule=\"1024\""), std::string::npos);
  EXPECT_TRUE(has(text, "viaduct_metrics_rows_left_out 5")) << "rows, however many metrics are made from them";
}

// A name that is misspelt here would be a metric without samples.
TEST(Metrics, commands_tables_and_columns_exist) {
  std::set<std::string_view> names;
  for (const Metric& metric : metrics()) {
    SCOPED_TRACE(std::string(metric.name));
    EXPECT_TRUE(names.insert(metric.name).second) << "twice";
    EXPECT_TRUE(metric.unit.empty() || metric.name.ends_with(metric.unit));
    const control::Command* command = control::command_named(metric.command);
    ASSERT_NE(command, nullptr);
    const auto table = std::find_if(command->tables.begin(), command->tables.end(),
                                    [&](const control::Table& each) { return each.name == metric.table; });
    ASSERT_NE(table, command->tables.end());
    const auto exists = [&](std::string_view name) {
      return std::any_of(table->columns.begin(), table->columns.end(),
                         [&](const control::Column& column) { return column.name == name; });
    };
    for (const Source& source : metric.sources) EXPECT_TRUE(exists(source.column)) << source.column;
    for (const std::string_view label : metric.labels) {
      EXPECT_TRUE(exists(label) || (table->shape == control::Shape::named)) << label;
    }
    // Two rows of a table are two series; a metric without labels counts rows.
    if (metric.labels.empty()) continue;
    for (const std::string_view key : control::key_columns(*table)) {
      EXPECT_NE(std::find(metric.labels.begin(), metric.labels.end(), key), metric.labels.end()) << key;
    }
  }
}

}  // namespace
}  // namespace viaduct::serve
