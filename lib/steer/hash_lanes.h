// SipHash-2-4 of many short inputs side by side, one to a lane of a vector register.
//
// Every message that is forwarded wants three to five keyed hashes of inputs from 16 to 150 bytes. One at a time each
// is a chain of dependent additions and rotations that leaves most of the core idle; side by side eight cost hardly
// more than one. The function is the same, word for word: each lane has its key, its input, and its output size, and
// inputs may differ in length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "steer/keyed_hash.h"

namespace viaduct::steer {

// An input as SipHash pads it (paper, section 2.1): eight-byte words, the last of which ends with the length of the
// input modulo 256.
struct HashLane {
  HashKey key;
  const char* words = nullptr;  // may lie anywhere
  uint32_t word_count = 0;      // at least 1
  bool wide = false;            // the 128-bit variant
  Hash128 hash = {};            // the answer; of the 64-bit variant only `low`
};

// Pads an input of `size` bytes where it lies and returns its words. May write up to eight bytes behind it.
inline uint32_t pad_to_words(char* input, size_t size) {
  constexpr uint64_t zero = 0;
  std::memcpy(input + size, &zero, sizeof zero);
  const size_t last = size / 8 * 8 + 7;
  input[last] = static_cast<char>(size);
  return static_cast<uint32_t>(last / 8 + 1);
}

// Fills in the hash of each lane. Thread: any.
void siphash_lanes(std::span<HashLane> lanes);

// The same by each kernel that this CPU can run, narrowest first: for tests and benchmarks. `hash` takes at most
// `width`.
struct LaneKernel {
  std::string_view name;
  size_t width;
  void (*hash)(HashLane* lanes, size_t count);
};
std::span<const LaneKernel> lane_kernels();

// The kernels. Those of vectors want a CPU that has them.
void hash_lanes_scalar(HashLane* lanes, size_t count);
void hash_lanes_avx2(HashLane* lanes, size_t count);
void hash_lanes_avx512(HashLane* lanes, size_t count);

}  // namespace viaduct::steer
