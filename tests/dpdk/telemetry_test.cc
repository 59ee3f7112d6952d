// Pages of telemetry tables, without EAL.
#include "dpdk/telemetry.h"

#include <gtest/gtest.h>

namespace viaduct::dpdk {
namespace {

TelemetryTable table_of(size_t rows) {
  TelemetryTable table{"/viaduct/backends", "", false, {}};
  for (size_t i = 0; i < rows; ++i) {
    TelemetryRow row{"pool/p" + std::to_string(i), {}};
    for (int column = 0; column < 10; ++column)
      row.values.emplace_back("column_" + std::to_string(column), uint64_t{1});
    row.values.emplace_back("address", std::string(40, 'a'));
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::string first_name(std::span<const TelemetryRow> rows) { return rows.empty() ? "" : rows.front().name; }

TEST(TelemetryPage, pages_by_the_number_of_a_row_hold_every_row_once) {
  const TelemetryTable table = table_of(1000);
  size_t next = 0, pages = 0;
  while (next < table.rows.size()) {
    const auto page = telemetry_page(table, next == 0 ? "" : std::to_string(next));
    ASSERT_FALSE(page.empty()) << next;
    EXPECT_EQ(page.data(), &table.rows[next]);
    size_t bytes = 0;
    for (const TelemetryRow& row : page) bytes += row.name.size() + row.values.size() * 30;
    EXPECT_LT(bytes, size_t{16} << 10);
    EXPECT_LE(page.size(), telemetry_page_rows_max);
    next += page.size();
    ++pages;
  }
  EXPECT_GT(pages, 10u);
}

TEST(TelemetryPage, a_name_is_its_row_alone) {
  const TelemetryTable table = table_of(300);
  const auto page = telemetry_page(table, "pool/p299");
  ASSERT_EQ(page.size(), 1u);
  EXPECT_EQ(first_name(page), "pool/p299");
}

TEST(TelemetryPage, what_is_neither_a_name_nor_a_row_is_nothing) {
  const TelemetryTable table = table_of(3);
  for (const char* parameter : {"pool/p3", "3", "-1", "1x", "x", "99999999999999999999999", " 1"}) {
    EXPECT_TRUE(telemetry_page(table, parameter).empty()) << parameter;
  }
  EXPECT_EQ(first_name(telemetry_page(table, "2")), "pool/p2");
  EXPECT_TRUE(telemetry_page(table_of(0), "").empty());
}

TEST(TelemetryPage, a_worker_s_number_is_its_name) {
  TelemetryTable table{"/viaduct/workers", "", false, {{"0", {}}, {"1", {}}, {"2", {}}}};
  EXPECT_EQ(telemetry_page(table, "1").size(), 1u);
}

TEST(TelemetryPage, a_row_that_is_too_large_for_a_page_has_one_of_its_own) {
  TelemetryTable table = table_of(3);
  for (int i = 0; i < 200; ++i) table.rows[1].values.emplace_back("text_" + std::to_string(i), std::string(120, 'x'));
  EXPECT_EQ(telemetry_page(table, "").size(), 1u);
  EXPECT_EQ(telemetry_page(table, "1").size(), 1u);
  EXPECT_EQ(first_name(telemetry_page(table, "1")), "pool/p1");
}

TEST(TelemetryKeys, have_only_what_dpdk_takes_and_are_never_twice) {
  const std::vector<TelemetryRow> rows{
      {"a/p-1", {}}, {"a/p.1", {}}, {"rows", {}}, {"", {}}, {std::string(300, 'y'), {}}};
  const auto keys = telemetry_keys(rows);
  ASSERT_EQ(keys.size(), rows.size());
  EXPECT_EQ(keys[0], "a/p_1");
  EXPECT_EQ(keys[1], "a/p_1_row_1");
  EXPECT_EQ(keys[2], "rows_row_2");
  EXPECT_EQ(keys[3], "_row_3");
  EXPECT_LE(keys[4].size(), telemetry_text_bytes_max);
}

}  // namespace
}  // namespace viaduct::dpdk
