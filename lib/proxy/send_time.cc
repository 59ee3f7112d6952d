#include "proxy/send_time.h"

#include "proxy/digits.h"

namespace viaduct::proxy {

std::optional<uint32_t> SendTime::age(Text text, uint64_t node, std::chrono::nanoseconds now) {
  constexpr uint64_t small_letters = 0x2020202020202020;  // which digits have already
  constexpr uint64_t nought = 0x6161616161616161;
  uint64_t value = 0, rest = 0;
  if (!read_base32(octets_of(text | small_letters, nought), value, rest)) return std::nullopt;
  if (value >> tick_bits != (node & node_mask)) return std::nullopt;
  const uint64_t age = (ticks_of(now) - value) & tick_mask;
  if (age > age_max) return std::nullopt;
  return static_cast<uint32_t>(age);
}

}  // namespace viaduct::proxy
