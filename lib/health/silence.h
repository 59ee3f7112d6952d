// A backend that takes requests and says nothing.
//
// Two conditions, because either alone is everyday life: a quiet backend answers nothing since nobody asks, and a busy
// one is always some requests ahead of its answers. Only several requests without a single response, for a while, is a
// reason to look; and to look only, never to judge.
#pragma once

#include <chrono>
#include <cstdint>

#include "core/clock.h"

namespace viaduct::health {

class Silence {
 public:
  static constexpr uint64_t unanswered_min = 5;

  // Takes in how many requests went to the backend and how many responses came from it, ever. True while at least
  // `unanswered_min` requests have had no response at all for `limit` or longer.
  bool take(uint64_t requests, uint64_t responses, core::Instant now, std::chrono::milliseconds limit) {
    if (responses != responses_ || requests < answered_requests_) {
      responses_ = responses;
      answered_requests_ = requests;
      waiting_ = false;
      return false;
    }
    if (requests == answered_requests_) return false;
    if (!waiting_) {
      waiting_ = true;
      since_ = now;
    }
    return requests - answered_requests_ >= unanswered_min && now - since_ >= limit;
  }

 private:
  uint64_t responses_ = 0;
  uint64_t answered_requests_ = 0;  // when the last response came
  core::Instant since_{};           // the first request after it was seen
  bool waiting_ = false;
};

}  // namespace viaduct::health
