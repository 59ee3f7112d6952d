// Times, counted in buckets whose width grows with the time, as HdrHistogram does it (Tene): each octave is cut into
// 64, so that a bucket is at most 1/64 of its values wide, and a percentile, given as its bucket's middle, is off by
// less than 0.8 %. Below 64 ns every nanosecond has a bucket. Times beyond 68 s count as 68 s; the largest is kept as
// it is.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace viaduct::blast {

class Histogram {
 public:
  void add(uint64_t time_ns) {
    ++buckets_[bucket_of(std::min(time_ns, time_max))];
    ++count_;
    sum_ += time_ns;
    max_ = std::max(max_, time_ns);
  }

  uint64_t count() const { return count_; }
  uint64_t max() const { return max_; }
  double mean() const { return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_); }

  // The time that `share` (0..1) of all do not exceed; 0 where there are none.
  uint64_t percentile(double share) const {
    if (count_ == 0) return 0;
    const double wanted = share * static_cast<double>(count_);
    uint64_t sum = 0;
    for (size_t bucket = 0; bucket < bucket_count; ++bucket) {
      sum += buckets_[bucket];
      if (sum > 0 && static_cast<double>(sum) >= wanted) return std::min(middle_of(bucket), max_);
    }
    return max_;
  }

  void add(const Histogram& other) {
    for (size_t bucket = 0; bucket < bucket_count; ++bucket) buckets_[bucket] += other.buckets_[bucket];
    count_ += other.count_;
    sum_ += other.sum_;
    max_ = std::max(max_, other.max_);
  }

 private:
  static constexpr unsigned octave_bits = 6;  // 64 buckets
  static constexpr unsigned octaves = 30;
  static constexpr uint64_t time_max = (uint64_t{1} << (octave_bits + octaves)) - 1;
  static constexpr size_t bucket_count = (octaves + 1) << octave_bits;

  static size_t bucket_of(uint64_t time) {
    if (time < uint64_t{1} << octave_bits) return time;
    const auto octave = static_cast<unsigned>(std::bit_width(time)) - octave_bits;  // 1..
    return (size_t{octave} << octave_bits) + ((time >> (octave - 1)) - (uint64_t{1} << octave_bits));
  }
  static uint64_t middle_of(size_t bucket) {
    const size_t octave = bucket >> octave_bits;
    if (octave == 0) return bucket;
    const uint64_t place = (bucket & ((size_t{1} << octave_bits) - 1)) + (uint64_t{1} << octave_bits);
    return (place << (octave - 1)) + (uint64_t{1} << (octave - 1)) / 2;
  }

  std::array<uint64_t, bucket_count> buckets_{};
  uint64_t count_ = 0, sum_ = 0, max_ = 0;
};

}  // namespace viaduct::blast
