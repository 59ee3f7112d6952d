// The rounds behind hash_lanes.h, included once by each file that compiles them for an instruction set. `Vector` says
// how many lanes there are and how they are added, rotated and loaded. Internal linkage: code made for one instruction
// set must not be merged with that for another.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "steer/hash_lanes.h"

namespace viaduct::steer {
namespace {

template <class Vector>
class LaneState {
 public:
  using Lanes = typename Vector::Lanes;
  using Numbers = std::array<uint64_t, Vector::width>;

  LaneState(const Numbers& k0, const Numbers& k1, const Numbers& start) {
    const Lanes low = Vector::of(k0), high = Vector::of(k1);
    v0_ = low ^ Vector::each(0x736f6d6570736575);
    v1_ = high ^ Vector::each(0x646f72616e646f6d) ^ Vector::of(start);
    v2_ = low ^ Vector::each(0x6c7967656e657261);
    v3_ = high ^ Vector::each(0x7465646279746573);
  }

  void absorb(Lanes word) {
    v3_ ^= word;
    round();
    round();
    v0_ ^= word;
  }
  // Lanes whose bit in `running` is not set keep their state.
  void absorb(Lanes word, unsigned running) {
    const LaneState before = *this;
    absorb(word);
    v0_ = Vector::choose(running, v0_, before.v0_);
    v1_ = Vector::choose(running, v1_, before.v1_);
    v2_ = Vector::choose(running, v2_, before.v2_);
    v3_ = Vector::choose(running, v3_, before.v3_);
  }
  Numbers squeeze_first(const Numbers& finish) {
    v2_ ^= Vector::of(finish);
    return squeeze();
  }
  Numbers squeeze_second() {
    v1_ ^= Vector::each(0xdd);
    return squeeze();
  }

 private:
  void round() {
    v0_ += v1_;
    v2_ += v3_;
    v1_ = Vector::template rotated<13>(v1_) ^ v0_;
    v3_ = Vector::template rotated<16>(v3_) ^ v2_;
    v0_ = Vector::template rotated<32>(v0_);
    v2_ += v1_;
    v0_ += v3_;
    v1_ = Vector::template rotated<17>(v1_) ^ v2_;
    v3_ = Vector::template rotated<21>(v3_) ^ v0_;
    v2_ = Vector::template rotated<32>(v2_);
  }
  Numbers squeeze() {
    for (int i = 0; i < 4; ++i) round();
    return Vector::numbers(v0_ ^ v1_ ^ v2_ ^ v3_);
  }

  Lanes v0_, v1_, v2_, v3_;
};

template <class Vector>
void hash_in_lanes(HashLane* lanes, size_t count) {
  constexpr size_t width = Vector::width;
  typename LaneState<Vector>::Numbers k0, k1, start, finish;
  std::array<const char*, width> words;
  std::array<uint32_t, width> counts;
  bool wide = false;
  uint32_t fewest = UINT32_MAX, most = 0;
  for (size_t i = 0; i < width; ++i) {
    const HashLane& lane = lanes[std::min(i, count - 1)];  // what is not needed is done twice
    k0[i] = lane.key.k0;
    k1[i] = lane.key.k1;
    start[i] = lane.wide ? 0xee : 0;
    finish[i] = lane.wide ? 0xee : 0xff;
    words[i] = lane.words;
    counts[i] = lane.word_count;
    wide |= lane.wide;
    fewest = std::min(fewest, lane.word_count);
    most = std::max(most, lane.word_count);
  }

  LaneState<Vector> state(k0, k1, start);
  for (uint32_t word = 0; word < fewest; ++word) state.absorb(Vector::load(words, size_t{8} * word));
  for (uint32_t word = fewest; word < most; ++word) {
    unsigned running = 0;
    std::array<const char*, width> here;
    for (size_t i = 0; i < width; ++i) {
      const bool runs = word < counts[i];
      running |= static_cast<unsigned>(runs) << i;
      here[i] = words[i] + (runs ? size_t{8} * word : 0);
    }
    state.absorb(Vector::load(here, 0), running);
  }

  const auto low = state.squeeze_first(finish);
  for (size_t i = 0; i < count; ++i) lanes[i].hash = {low[i], 0};
  if (!wide) return;
  const auto high = state.squeeze_second();
  for (size_t i = 0; i < count; ++i) lanes[i].hash.high = lanes[i].wide ? high[i] : 0;
}

[[maybe_unused]] inline uint64_t word_at(const char* at) {
  uint64_t word;
  __builtin_memcpy(&word, at, sizeof word);
  return word;
}

}  // namespace
}  // namespace viaduct::steer
