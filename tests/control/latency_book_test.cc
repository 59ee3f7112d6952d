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
  void turn() { book_.turn(watches_, now_ += LatencyBook::interval); }

  const std::unique_ptr<Watch> first_ = std::make_unique<Watch>("boot"), second_ = std::make_unique<Watch>("boot");
  const std::vector<const Watch*> watches_{first_.get(), second_.get()};
  telemetry::LatencyRow& of_first_ = *first_->latencies.row(7, 1);
  telemetry::LatencyRow& of_second_ = *second_->latencies.row(7, 1);
  LatencyBook book_;
  core::Instant now_{};
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

}  // namespace
}  // namespace viaduct::control
