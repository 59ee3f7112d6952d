#include "control/latency_book.h"

#include <algorithm>
#include <numeric>

namespace viaduct::control {
namespace {

using telemetry::LatencyScale;

// Every counter of one beside the same one of another.
template <class Row, class Other, class Each>
void for_counters(Row& row, const Other& other, const Each& each) {
  const auto for_all = [&each](auto& counters, const auto& others) {
    for (size_t i = 0; i < counters.size(); ++i) each(counters[i], others[i]);
  };
  each(row.requests, other.requests);
  each(row.requests_again, other.requests_again);
  each(row.finals, other.finals);
  each(row.answers_again, other.answers_again);
  each(row.unmeasured, other.unmeasured);
  for_all(row.first, other.first);
  for_all(row.final, other.final);
  for_all(row.by_status, other.by_status);
}

constexpr auto add = [](uint64_t& to, uint64_t what) { to += what; };
// A row that was given back may have taken some of its backend's counts along.
constexpr auto subtract = [](uint64_t& from, uint64_t what) { from -= std::min(from, what); };
// A total that ends as the counter did when it was last read goes on from there.
constexpr auto carry_on = []<class Number>(uint64_t& total, const Number& counter) {
  total += static_cast<Number>(telemetry::read(counter) - static_cast<Number>(total));
};

double middle_ms(size_t bucket) {
  return LatencyScale::milliseconds((LatencyScale::begin_of(bucket) + LatencyScale::begin_of(bucket + 1)) / 2.0);
}

}  // namespace

uint64_t latency_count(const LatencyTotals::Histogram& histogram) {
  return std::accumulate(histogram.begin(), histogram.end(), uint64_t{0});
}

// The middle of the bucket that holds it.
double latency_quantile_ms(const LatencyTotals::Histogram& histogram, double share) {
  const uint64_t count = latency_count(histogram);
  if (count == 0) return 0;
  auto left = static_cast<int64_t>(share * static_cast<double>(count - 1));
  size_t bucket = 0;
  while ((left -= static_cast<int64_t>(histogram[bucket])) >= 0) ++bucket;
  return middle_ms(bucket);
}

double latency_sum_ms(const LatencyTotals::Histogram& histogram) {
  double sum = 0;
  for (size_t bucket = 0; bucket < histogram.size(); ++bucket) {
    sum += static_cast<double>(histogram[bucket]) * middle_ms(bucket);
  }
  return sum;
}

uint64_t latency_up_to(const LatencyTotals::Histogram& histogram, std::chrono::milliseconds most) {
  const auto ticks = static_cast<uint32_t>(std::chrono::nanoseconds(most).count() >> LatencyScale::tick_shift);
  const auto end = histogram.begin() + static_cast<ptrdiff_t>(LatencyScale::bucket_of(ticks)) + 1;
  return std::accumulate(histogram.begin(), end, uint64_t{0});
}

// Nothing while the row changes hands.
std::optional<LatencyBook::Reading> LatencyBook::read(const telemetry::LatencyRow& row, const Reading* before) {
  Reading reading;
  reading.version = telemetry::version_before(row.version);
  reading.backend = telemetry::read(row.backend);
  reading.method = telemetry::read(row.method);
  if (before != nullptr && before->version == reading.version) {
    reading.totals = before->totals;
    reading.given_back = before->given_back;
  }
  for_counters(reading.totals, row, carry_on);
  return telemetry::was_stable(row.version, reading.version) ? std::optional(reading) : std::nullopt;
}

void LatencyBook::turn(std::span<dataplane::Watch* const> watches, const std::function<bool(uint32_t)>& known,
                       core::Instant now) {
  if (now < next_) return;
  next_ = now + interval;
  for (dataplane::Watch* watch : watches) {
    const auto rows = watch->latencies.rows();
    std::vector<Reading>& readings = read_[watch];
    readings.resize(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      if (auto reading = read(rows[i], &readings[i])) readings[i] = *reading;
    }
    if (rows.size() < telemetry::LatencyTable::rows_max) continue;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (readings[i].given_back || known(readings[i].backend)) continue;
      if (!watch->latencies.give_back(static_cast<uint32_t>(i))) break;
      readings[i].given_back = true;
    }
  }
  kept_.push_back(rows(watches));
  if (kept_.size() > 2) kept_.pop_front();
}

LatencyRows LatencyBook::rows(std::span<const dataplane::Watch* const> watches) const {
  LatencyRows all;
  for (const dataplane::Watch* watch : watches) {
    const auto readings = read_.find(watch);
    const auto rows = watch->latencies.rows();
    for (size_t i = 0; i < rows.size(); ++i) {
      const bool known = readings != read_.end() && i < readings->second.size();
      const auto reading = read(rows[i], known ? &readings->second[i] : nullptr);
      if (reading) for_counters(all[{reading->backend, reading->method}], reading->totals, add);
    }
  }
  return all;
}

LatencyRows LatencyBook::recent(LatencyRows rows) const {
  if (kept_.empty()) return rows;
  for (auto& [key, row] : rows) {
    const auto before = kept_.front().find(key);
    if (before != kept_.front().end()) for_counters(row, before->second, subtract);
  }
  return rows;
}

}  // namespace viaduct::control
