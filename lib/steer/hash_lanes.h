// SipHash-2-4 of many short inputs side by side, one to a lane of a vector register.
//
// Every message that is forwarded wants three to five keyed hashes of inputs from 16 to 150 bytes. One at a time each
// is a chain of dependent additions and rotations that leaves most of the core idle; side by side eight cost hardly
// more than one, and four vectors of them not twice as much as one, where a step waits for the one before. The function
// is the same, word for word: each lane has its key, its input, and its output size, and inputs may differ in length.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "steer/keyed_hash.h"

namespace viaduct::steer {

// Inputs as SipHash pads them (paper, section 2.1): eight-byte words, the last of which ends with the length of the
// input modulo 256. Arranged as vectors are loaded, a lane after the other. Those of one kind are added in a row and
// then get their key and the size of their answers together.
struct alignas(64) LaneBatch {
  static constexpr size_t width = 32;  // lanes that may be looked at together, from a multiple of that on
  static constexpr size_t capacity = 6 * width;
  static constexpr size_t words_at_once = 2, words_behind = words_at_once - 1;
  template <class Value>
  using Lanes = std::array<Value, capacity>;

  // An input of `words` at `at`, 1 at least. As many as the longest of the `width` beside it has, and `words_behind`
  // more, must be readable there. There must be a lane left.
  void add(const char* at, uint32_t words) {
    inputs[count] = at;
    word_count[count] = words;
    ++count;
  }
  // Says of all that were added since the last call how they are hashed; `is_wide`: to 128 bits.
  void seal(const HashKey& key, bool is_wide) {
    for (size_t i = sealed; i < count; ++i) {
      k0[i] = key.k0;
      k1[i] = key.k1;
      wide[i] = is_wide ? wide_mark : 0;
    }
    sealed = count;
  }
  void clear() { count = sealed = 0; }
  Hash128 hash(size_t lane) const { return {low[lane], high[lane]}; }

  static constexpr uint64_t wide_mark = 0xee;
  size_t count = 0, sealed = 0;
  alignas(64) Lanes<uint64_t> k0, k1;
  Lanes<const char*> inputs;
  Lanes<uint64_t> word_count;
  Lanes<uint64_t> wide;       // wide_mark or 0
  Lanes<uint64_t> low, high;  // the answers; of the 64-bit variant only `low`
};

// Pads an input of `size` bytes where it lies and returns its words. May write up to eight bytes behind it.
inline uint32_t pad_to_words(char* input, size_t size) {
  constexpr uint64_t zero = 0;
  std::memcpy(input + size, &zero, sizeof zero);
  const size_t last = size / 8 * 8 + 7;
  input[last] = static_cast<char>(size);
  return static_cast<uint32_t>(last / 8 + 1);
}

// Fills in the hash of each lane that is taken; all are sealed. Thread: any.
void siphash_lanes(LaneBatch& batch);

// The same by each kernel that this CPU can run, narrowest first: for tests and benchmarks.
struct LaneKernel {
  std::string_view name;
  void (*hash)(LaneBatch& batch);
};
std::span<const LaneKernel> lane_kernels();

// The kernels. Those of vectors want a CPU that has them.
void hash_lanes_scalar(LaneBatch& batch);
void hash_lanes_avx2(LaneBatch& batch);
void hash_lanes_avx512(LaneBatch& batch);

}  // namespace viaduct::steer
