// Rows that change hands.
#include "telemetry/latency_table.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <set>

namespace viaduct::telemetry {
namespace {

constexpr auto rows_max = static_cast<uint32_t>(LatencyTable::rows_max);

TEST(LatencyTable, WhoIsThereIsFoundWhateverWasGivenBack) {
  const auto table = std::make_unique<LatencyTable>();
  std::mt19937 random(11);
  std::map<uint32_t, uint32_t> row_of;  // by backend
  std::set<uint32_t> returned;
  const auto index_of = [&](const LatencyRow* row) { return static_cast<uint32_t>(row - table->rows().data()); };
  for (uint32_t backend = 0; row_of.size() < rows_max; ++backend) row_of[backend] = index_of(table->row(backend, 3));
  EXPECT_EQ(table->row(1 << 30, 3), nullptr);
  for (uint32_t backend = rows_max; backend < 5 * rows_max; ++backend) {
    for (const uint32_t index : {random() % rows_max, random() % rows_max}) {
      if (!returned.contains(index) && table->give_back(index)) returned.insert(index);
    }
    LatencyRow* const row = table->row(backend, 3);
    ASSERT_NE(row, nullptr);
    ASSERT_EQ(row->requests, 0u);
    row->requests = backend;
    ASSERT_EQ(returned.erase(index_of(row)), 1u);
    std::erase_if(row_of, [&](const auto& entry) { return entry.second == index_of(row); });
    row_of[backend] = index_of(row);
    ASSERT_EQ(row_of.size(), rows_max);
    if (backend % 512 != 0) continue;
    for (const auto& [known, index] : row_of) ASSERT_EQ(index_of(table->row(known, 3)), index);
  }
}

TEST(LatencyTable, AReaderCanTellThatARowChangedHands) {
  const auto table = std::make_unique<LatencyTable>();
  for (uint32_t backend = 0; backend < rows_max; ++backend) table->row(backend, 1)->final[0] = 1;
  const uint32_t before = table->rows()[5].version;
  ASSERT_TRUE(table->give_back(5));
  EXPECT_EQ(table->rows()[5].version, before) << "not yet";
  ASSERT_EQ(table->row(99'999, 2), &table->rows()[5]);
  EXPECT_EQ(table->rows()[5].version, before + 2);
  EXPECT_EQ(table->rows()[5].final[0], 0u);
  EXPECT_EQ(table->rows()[5].backend, 99'999u);
  EXPECT_EQ(table->rows()[5].method, 2u);
}

}  // namespace
}  // namespace viaduct::telemetry
