// The highest rate without loss, searched as RFC 2544 section 26.1 has it: trials at one rate each, halving the
// interval between the highest that passed and the lowest that failed.
//
// Three additions. The first trials double the rate until one fails, so that nobody has to guess where to begin, and
// the device is not flooded first. A trial that failed is repeated before it counts: a machine that stands still for a
// moment, at whatever rate, would else halve the result. And the result is confirmed: the rate found must pass twice,
// else the next trial is 3 % lower; a rate that passes once in a while is no result. The trials that confirm may take
// longer, a minute as RFC 2544 section 24 asks, which those that only lead there need not.
#pragma once

#include <algorithm>
#include <cstdint>

namespace viaduct::blast {

class RateSearch {
 public:
  struct Options {
    double start = 10'000;     // calls a second
    double ceiling = 1e9;      // never tried beyond
    double resolution = 0.02;  // the interval left, as a share of the rate
    unsigned repeats = 1;      // of a trial that failed, before it counts
    unsigned trials_max = 40;
  };

  explicit RateSearch(const Options& options) : options_(options), rate_(std::min(options.start, options.ceiling)) {}

  bool finished() const { return finished_; }
  // Of the next trial.
  double rate() const { return rate_; }
  bool confirming() const { return confirming_; }
  // The highest that passed, twice; 0: none.
  double result() const { return finished_ ? confirmed_ : 0; }
  unsigned trials() const { return trials_; }

  void report(bool passed) {
    ++trials_;
    if (confirming_) return confirm(passed);
    if (!passed && repeated_ < options_.repeats && trials_ < options_.trials_max) {
      ++repeated_;
      return;
    }
    repeated_ = 0;
    if (passed) {
      low_ = rate_;
    } else {
      high_ = rate_;
    }
    if (trials_ >= options_.trials_max) return begin_confirming();
    if (high_ == 0) {
      if (rate_ >= options_.ceiling) return begin_confirming();
      rate_ = std::min(rate_ * 2, options_.ceiling);
      return;
    }
    if (high_ - low_ <= options_.resolution * high_) return begin_confirming();
    if (high_ < 1) return begin_confirming();
    rate_ = (low_ + high_) / 2;
  }

 private:
  void begin_confirming() {
    if (low_ == 0) {
      finished_ = true;
      return;
    }
    confirming_ = true;
    rate_ = low_;
  }
  void confirm(bool passed) {
    if (passed) confirmed_ = rate_;
    finished_ = passed || trials_ >= options_.trials_max + 10;
    if (!finished_) rate_ *= 0.97;
  }

  const Options options_;
  double rate_;
  double low_ = 0, high_ = 0, confirmed_ = 0;
  unsigned trials_ = 0, repeated_ = 0;
  bool confirming_ = false, finished_ = false;
};

}  // namespace viaduct::blast
