// When a request left us, in eight characters of our Via: how long a backend takes is then seen without remembering
// anything, for every response brings the time back.
//
//   ;vd=1.<socket>.<MAC>.<time>       time = base32 of <node: 14 bits> <ticks of 16.384 us: 26 bits, 18 minutes around>
//
// It stands outside the branch, which must not depend on time (RFC 3261 section 16.11, TXN-02). Whoever matches
// transactions does not look at it (section 17.2.3: branch, sent-by, method). Some look at all of a message all the
// same, as SIPp does to tell copies from other requests: so a worker writes into copies what it wrote into the first,
// and into CANCEL and the ACK for a non-2xx what it wrote into the INVITE, as long as it remembers
// (telemetry/answered.h). When it does not, they differ in these characters and in nothing else. An ACK for a 2xx has
// none, because nobody answers it.
//
// The MAC does not cover it. Nothing is decided by it, so a forged time moves no message; it can only make a backend
// look slow or quick. Who may forge it is who handles the message behind us, and they can be slow without forging. In
// return a time that somebody has mangled costs a figure and not a response, and `explain`, which has no clock, writes
// the same MAC as a worker.
//
// Clocks of two machines are not one. The node is a hash of the machine's boot identifier, and the ticks are of its
// monotonic clock, which all workers and all processes share and which no NTP step moves. A response with another
// node's time, or one that is more than five minutes old, has nothing to say about how long it took.
//
// So an answer is timed from the first copy of its request: what was lost on the way to a server makes it look slow.
// CANCELs are not timed, having the INVITE's time.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "proxy/base32.h"

namespace viaduct::proxy {

class SendTime {
 public:
  // The characters as one word, as they lie in memory; 0: no time is given.
  using Text = uint64_t;
  static constexpr size_t size = sizeof(Text);
  static constexpr unsigned tick_shift = 14;  // nanoseconds to ticks
  static constexpr unsigned tick_bits = 26, node_bits = 14;
  static_assert(tick_bits + node_bits == 5 * size);
  static constexpr uint64_t tick_mask = (uint64_t{1} << tick_bits) - 1, node_mask = (uint64_t{1} << node_bits) - 1;
  static constexpr uint64_t ticks_of(std::chrono::nanoseconds time) {
    return static_cast<uint64_t>(time.count()) >> tick_shift;
  }
  // Five minutes: timer C (RFC 3261 section 16.6(11)) and more.
  static constexpr uint64_t age_max = uint64_t{300'000'000'000} >> tick_shift;

  // `now`: of the machine's monotonic clock.
  static Text text_of(uint64_t node, std::chrono::nanoseconds now) { return text_of_ticks(node, ticks_of(now)); }
  static Text text_of_ticks(uint64_t node, uint64_t ticks) {
    char text[size];
    base32_number((node & node_mask) << tick_bits | (ticks & tick_mask), size, text);
    return load(text);
  }
  static Text load(const char* from) {
    Text text;
    std::memcpy(&text, from, sizeof text);
    return text;
  }

  // Ticks from `text` until `now`; none if it is not this node's, or cannot be.
  static std::optional<uint32_t> age(Text text, uint64_t node, std::chrono::nanoseconds now);
};

}  // namespace viaduct::proxy
