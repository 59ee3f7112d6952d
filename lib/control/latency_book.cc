#include "control/latency_book.h"

#include <algorithm>
#include <numeric>

namespace viaduct::control {
namespace {

using telemetry::LatencyRow;
using telemetry::LatencyScale;

template <class Counters>
void add_each(Counters& to, const Counters& from) {
  for (size_t i = 0; i < to.size(); ++i) to[i] += telemetry::read(from[i]);
}

void add_row(LatencyRow& to, const LatencyRow& from) {
  to.requests += telemetry::read(from.requests);
  to.requests_again += telemetry::read(from.requests_again);
  to.finals += telemetry::read(from.finals);
  to.answers_again += telemetry::read(from.answers_again);
  to.unmeasured += telemetry::read(from.unmeasured);
  add_each(to.first, from.first);
  add_each(to.final, from.final);
  add_each(to.by_status, from.by_status);
}

void subtract_row(LatencyRow& from, const LatencyRow& what) {
  const auto each = [](auto& left, const auto& right) {
    for (size_t i = 0; i < left.size(); ++i) left[i] -= right[i];
  };
  from.requests -= what.requests;
  from.requests_again -= what.requests_again;
  from.finals -= what.finals;
  from.answers_again -= what.answers_again;
  from.unmeasured -= what.unmeasured;
  each(from.first, what.first);
  each(from.final, what.final);
  each(from.by_status, what.by_status);
}

double middle_ms(size_t bucket) {
  return LatencyScale::milliseconds((LatencyScale::begin_of(bucket) + LatencyScale::begin_of(bucket + 1)) / 2.0);
}

}  // namespace

LatencyRows latency_rows(std::span<const dataplane::Watch* const> watches) {
  LatencyRows all;
  for (const dataplane::Watch* watch : watches) {
    for (const LatencyRow& row : watch->latencies.rows()) {
      add_row(all.try_emplace({row.backend, row.method}, LatencyRow{}).first->second, row);
    }
  }
  return all;
}

uint64_t latency_count(const LatencyRow::Histogram& histogram) {
  return std::accumulate(histogram.begin(), histogram.end(), uint64_t{0});
}

// The middle of the bucket that holds it.
double latency_quantile_ms(const LatencyRow::Histogram& histogram, double share) {
  const uint64_t count = latency_count(histogram);
  if (count == 0) return 0;
  auto left = static_cast<int64_t>(share * static_cast<double>(count - 1));
  size_t bucket = 0;
  while ((left -= histogram[bucket]) >= 0) ++bucket;
  return middle_ms(bucket);
}

double latency_sum_ms(const LatencyRow::Histogram& histogram) {
  double sum = 0;
  for (size_t bucket = 0; bucket < histogram.size(); ++bucket) sum += histogram[bucket] * middle_ms(bucket);
  return sum;
}

uint64_t latency_up_to(const LatencyRow::Histogram& histogram, std::chrono::milliseconds most) {
  const auto ticks = static_cast<uint32_t>(std::chrono::nanoseconds(most).count() >> LatencyScale::tick_shift);
  const auto end = histogram.begin() + static_cast<ptrdiff_t>(LatencyScale::bucket_of(ticks)) + 1;
  return std::accumulate(histogram.begin(), end, uint64_t{0});
}

void LatencyBook::turn(std::span<const dataplane::Watch* const> watches, core::Instant now) {
  if (now < next_) return;
  next_ = now + interval;
  kept_.push_back(latency_rows(watches));
  if (kept_.size() > 2) kept_.pop_front();
}

LatencyRows LatencyBook::recent(LatencyRows rows) const {
  if (kept_.empty()) return rows;
  for (auto& [key, row] : rows) {
    const auto before = kept_.front().find(key);
    if (before != kept_.front().end()) subtract_row(row, before->second);
  }
  return rows;
}

}  // namespace viaduct::control
