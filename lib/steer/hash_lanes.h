// SipHash-2-4 of many short inputs side by side, one to a lane of a vector register.
//
// Every message that is forwarded wants three to five keyed hashes of inputs from 16 to 150 bytes. One at a time each
// is a chain of dependent additions and rotations that leaves most of the core idle; side by side eight cost hardly
// more than one, and two vectors of them hardly more than one where a step waits for the one before. The function is
// the same, word for word: each lane has its key, its input, and its output size, and inputs may differ in length.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "steer/keyed_hash.h"

namespace viaduct::steer {

// Up to sixteen inputs as SipHash pads them (paper, section 2.1): eight-byte words, the last of which ends with the
// length of the input modulo 256. Arranged as vectors are loaded.
struct alignas(64) LaneGroup {
  static constexpr size_t width = 16;
  template <class Value>
  using Lanes = std::array<Value, width>;

  // `words` may lie anywhere, but as many as the longest input of the group has must be readable. `word_count` is at
  // least 1; `wide` asks for the 128-bit variant. There must be a lane left.
  void add(const HashKey& key, const char* at, uint32_t count, bool is_wide) {
    k0[taken] = key.k0;
    k1[taken] = key.k1;
    words[taken] = at;
    word_count[taken] = count;
    wide[taken] = is_wide ? wide_mark : 0;
    ++taken;
  }
  void clear() { taken = 0; }
  Hash128 hash(size_t lane) const { return {low[lane], high[lane]}; }

  static constexpr uint64_t wide_mark = 0xee;
  size_t taken = 0;
  alignas(64) Lanes<uint64_t> k0, k1;
  Lanes<const char*> words;
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

// Fills in the hash of each lane that is taken. Thread: any.
void siphash_lanes(std::span<LaneGroup> groups);

// The same by each kernel that this CPU can run, narrowest first: for tests and benchmarks.
struct LaneKernel {
  std::string_view name;
  void (*hash)(LaneGroup& group);
};
std::span<const LaneKernel> lane_kernels();

// The kernels. Those of vectors want a CPU that has them.
void hash_lanes_scalar(LaneGroup& group);
void hash_lanes_avx2(LaneGroup& group);
void hash_lanes_avx512(LaneGroup& group);

}  // namespace viaduct::steer
