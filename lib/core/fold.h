// Two numbers multiplied and folded: every bit of either moves half of the result. For tables whose keys strangers
// choose, with a secret number among the two: they learn nothing of what comes of it. Not a MAC.
#pragma once

#include <cstdint>

#include "core/uint128.h"

namespace viaduct::core {

inline uint64_t fold(uint64_t a, uint64_t b) {
  const auto product = static_cast<uint128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace viaduct::core
