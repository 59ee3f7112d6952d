#include "dataplane/idle.h"

#include <sys/prctl.h>
#include <time.h>

#include <algorithm>

namespace viaduct::dataplane {
namespace {

constexpr uint32_t spins_before_sleep = 64;
constexpr uint32_t loops_per_step = 4;  // sleeps of one length before the next
constexpr uint32_t sleep_ns_min = 1'000;
constexpr uint32_t sleep_ns_max = 100'000;

}  // namespace

uint32_t IdleLadder::next_sleep_ns() const {
  if (idle_ == Idle::poll || empty_loops_ < spins_before_sleep) return 0;
  const uint32_t step = std::min((empty_loops_ - spins_before_sleep) / loops_per_step, uint32_t{16});
  return std::min(sleep_ns_min << step, sleep_ns_max);
}

bool IdleLadder::empty() {
  const uint32_t sleep_ns = next_sleep_ns();
  if (empty_loops_ != UINT32_MAX) ++empty_loops_;
  if (sleep_ns == 0) {
    __builtin_ia32_pause();
    return false;
  }
  const timespec span{0, static_cast<long>(sleep_ns)};
  nanosleep(&span, nullptr);
  return true;
}

void allow_short_sleeps() { prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); }

}  // namespace viaduct::dataplane
