// Two numbers multiplied and folded: every bit of either moves half of the result. For tables whose keys strangers
// choose, with a secret number among the two: they learn nothing of what comes of it. Not a MAC.
#pragma once

#include <array>
#include <cstdint>
#include <random>

#include "core/uint128.h"

namespace viaduct::core {

inline uint64_t fold(uint64_t a, uint64_t b) {
  const auto product = static_cast<uint128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

using FoldSeed = std::array<uint64_t, 2>;

// Thread: any; a system call or two.
inline FoldSeed random_fold_seed() {
  std::random_device random;
  const auto word = [&] { return (uint64_t{random()} << 32 | random()) | 1; };
  return {word(), word()};
}

}  // namespace viaduct::core
