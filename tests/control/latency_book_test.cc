// What workers count in 32 bits, told in 64.
#include "control/latency_book.h"

#include <gtest/gtest.h>

#include <memory>

namespace viaduct::control {
namespace {

using dataplane::Watch;
using std::chrono::seconds;

class LatencyBookTest : public ::testing::Test {
 protected:
  LatencyTotals all() const { return book_.rows(watches_).at({7, 1}); }
  void turn() {
    book_.turn(
        watches_, [this](uint32_t backend) { return backend != gone_; }, now_ += LatencyBook::interval);
  }

  const std::unique_ptr<Watch> first_ = std::make_unique<Watch>("boot"), second_ = std::make_unique<Watch>("boot");
  const std::vector<Watch*> watches_{first_.get(), second_.get()};
  telemetry::LatencyRow& of_first_ = *first_->latencies.row(7, 1);
  telemetry::LatencyRow& of_second_ = *second_->latencies.row(7, 1);
  LatencyBook book_;
  core::Instant now_{};
  uint32_t gone_ = 0;
};

TEST_F(LatencyBookTest, the_sum_of_workers_has_more_bits_than_each) {
  of_first_.by_status[100] = of_second_.by_status[100] = UINT32_MAX;
  of_first_.final[40] = of_second_.final[40] = UINT32_MAX;
  EXPECT_EQ(all().by_status[100], 2 * uint64_t{UINT32_MAX});
  EXPECT_EQ(latency_count(all().final), 2 * uint64_t{UINT32_MAX});
}

TEST_F(LatencyBookTest, totals_go_on_where_a_workers_counter_begins_anew) {
  of_second_.by_status[100] = 5;
  of_first_.by_status[100] = UINT32_MAX - 1;
  of_first_.requests = UINT32_MAX;
  turn();
  for (int i = 0; i < 3; ++i) telemetry::bump(of_first_.by_status[100]);
  telemetry::bump(of_first_.requests);
  const uint64_t wrapped = (uint64_t{1} << 32) + 1 + 5;
  EXPECT_EQ(all().by_status[100], wrapped) << "before it is carried on";
  turn();
  EXPECT_EQ(all().by_status[100], wrapped) << "and after";
  EXPECT_EQ(all().requests, uint64_t{1} << 32);
  of_first_.by_status[100] += UINT32_MAX;
  turn();
  EXPECT_EQ(all().by_status[100], wrapped + UINT32_MAX);
}

TEST_F(LatencyBookTest, what_is_recent_knows_nothing_of_it) {
  of_first_.final[40] = UINT32_MAX;
  turn();
  of_first_.final[40] += 3;
  EXPECT_EQ(book_.recent(book_.rows(watches_)).at({7, 1}).final[40], 3u);
}

TEST_F(LatencyBookTest, rows_that_come_later_are_counted_from_their_beginning) {
  turn();
  second_->latencies.row(8, 1)->by_status[100] = 4;
  EXPECT_EQ(book_.rows(watches_).at({8, 1}).by_status[100], 4u);
  turn();
  EXPECT_EQ(book_.rows(watches_).at({8, 1}).by_status[100], 4u);
}

TEST_F(LatencyBookTest, rows_of_backends_that_are_no_more_become_others_once_all_are_taken) {
  constexpr auto rows_max = static_cast<uint32_t>(telemetry::LatencyTable::rows_max);
  gone_ = 7;
  of_first_.requests = of_second_.requests = 10;
  turn();
  for (uint32_t i = 1; i < rows_max; ++i) ASSERT_NE(first_->latencies.row(100 + i, 1), nullptr);
  EXPECT_EQ(first_->latencies.row(9000, 1), nullptr) << "none has been given back yet";
  EXPECT_EQ(all().requests, 20u);
  turn();
  EXPECT_EQ(all().requests, 20u) << "until somebody needs it";
  telemetry::LatencyRow* const row = first_->latencies.row(9000, 1);
  ASSERT_EQ(row, &of_first_);
  telemetry::bump(row->requests);
  EXPECT_EQ(book_.rows(watches_).at({9000, 1}).requests, 1u);
  EXPECT_EQ(all().requests, 10u) << "the other worker has room and keeps its row";
  turn();
  EXPECT_EQ(book_.rows(watches_).at({9000, 1}).requests, 1u);
  EXPECT_EQ(book_.recent(book_.rows(watches_)).at({7, 1}).requests, 0u);
  EXPECT_EQ(first_->latencies.row(7, 1), nullptr) << "9000 is there, and every other one";
  EXPECT_EQ(first_->latencies.row(101, 1)->backend, 101u);
  EXPECT_EQ(first_->latencies.refused(), 2u);
}

}  // namespace
}  // namespace viaduct::control
