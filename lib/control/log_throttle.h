// No kind of line floods the log: what is over its share is counted, and the count is told with the next one that
// passes.
//
// Lines of one kind differ in numbers: addresses, ports, counts. So a kind is a line's text without its digits, and
// without words that are addresses in hexadecimal; each has a bucket of `burst` lines that fills by `per_second`. Kinds
// are bounded: where there are too many, the one that has been silent longest goes, and what it still had to tell is
// told with whoever comes next.
#pragma once

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "core/fnv.h"

namespace viaduct::control {

class LogThrottle {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr size_t kinds_max = 256;
  static constexpr double burst = 20, per_second = 2;

  struct Verdict {
    bool passes;
    uint64_t left_out;  // lines of its kind since the last one that passed
  };
  Verdict ask(std::string_view text, Time now) {
    Bucket& bucket = bucket_of(text, now);
    const double idle = std::chrono::duration<double>(now - bucket.last).count();
    bucket.tokens = std::min(burst, bucket.tokens + idle * per_second);
    bucket.last = now;
    if (bucket.tokens < 1) {
      ++bucket.left_out;
      ++left_out_;
      return {false, 0};
    }
    bucket.tokens -= 1;
    return {true, std::exchange(bucket.left_out, 0) + std::exchange(orphaned_, 0)};
  }
  uint64_t left_out() const { return left_out_; }  // ever
  size_t kinds() const { return buckets_.size(); }

 private:
  struct Bucket {
    double tokens = burst;
    Time last{};
    uint64_t left_out = 0;
  };
  static bool is_of_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == ':' || c == '.';
  }
  // Of IPv6 or of a link. A word with one colon may be any: "bed:".
  static bool is_address(std::string_view word) {
    return std::count(word.begin(), word.end(), ':') >= 2 &&
           word.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
  }
  static uint64_t kind_of(std::string_view text) {
    uint64_t hash = core::fnv_start;
    while (!text.empty()) {
      const auto end = std::find_if_not(text.begin(), text.end(), is_of_word);
      const auto size = std::max<size_t>(static_cast<size_t>(end - text.begin()), 1);
      if (!is_address(text.substr(0, size))) {
        for (const char c : text.substr(0, size)) {
          if (c < '0' || c > '9') hash = core::fnv1a(c, hash);
        }
      }
      text.remove_prefix(size);
    }
    return hash;
  }
  Bucket& bucket_of(std::string_view text, Time now) {
    const uint64_t kind = kind_of(text);
    if (const auto found = buckets_.find(kind); found != buckets_.end()) return found->second;
    if (buckets_.size() >= kinds_max) {
      const auto oldest = std::min_element(buckets_.begin(), buckets_.end(),
                                           [](const auto& a, const auto& b) { return a.second.last < b.second.last; });
      orphaned_ += oldest->second.left_out;
      buckets_.erase(oldest);
    }
    return buckets_.emplace(kind, Bucket{burst, now, 0}).first->second;
  }

  std::unordered_map<uint64_t, Bucket> buckets_;
  uint64_t left_out_ = 0;
  uint64_t orphaned_ = 0;  // of kinds that are no longer kept
};

}  // namespace viaduct::control
