// The order of counters and of fields that publish nothing but themselves.
#pragma once

#include <atomic>

namespace viaduct::core {

inline constexpr auto relaxed = std::memory_order_relaxed;

}  // namespace viaduct::core
