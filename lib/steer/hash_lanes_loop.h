// The rounds behind hash_lanes.h, included once by each file that compiles them for an instruction set. `Vector` says
// how many lanes there are and how they are added, rotated and loaded. Internal linkage: code made for one instruction
// set must not be merged with that for another.
#pragma once

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

  LaneState(Lanes low, Lanes high, Lanes wide) {
    v0_ = low ^ Vector::each(0x736f6d6570736575);
    v1_ = high ^ Vector::each(0x646f72616e646f6d) ^ wide;
    v2_ = low ^ Vector::each(0x6c7967656e657261);
    v3_ = high ^ Vector::each(0x7465646279746573);
  }

  void absorb(Lanes word) {
    v3_ ^= word;
    round();
    round();
    v0_ ^= word;
  }
  // Lanes that are not running keep their state.
  void absorb(Lanes word, typename Vector::Which running) {
    const LaneState before = *this;
    absorb(word);
    v0_ = Vector::choose(running, v0_, before.v0_);
    v1_ = Vector::choose(running, v1_, before.v1_);
    v2_ = Vector::choose(running, v2_, before.v2_);
    v3_ = Vector::choose(running, v3_, before.v3_);
  }
  Lanes squeeze_first(Lanes finish) {
    v2_ ^= finish;
    return squeeze();
  }
  Lanes squeeze_second() {
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
  Lanes squeeze() {
    for (int i = 0; i < 4; ++i) round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

  Lanes v0_, v1_, v2_, v3_;
};

// Of the inputs of a group.
struct Extent {
  uint64_t fewest = UINT64_MAX, most = 0;  // words
  bool any_wide = false;
  explicit Extent(const LaneGroup& group) {
    uint64_t wide = 0;
    for (size_t i = 0; i < LaneGroup::width; ++i) {
      fewest = group.word_count[i] < fewest ? group.word_count[i] : fewest;
      most = group.word_count[i] > most ? group.word_count[i] : most;
      wide |= group.wide[i];
    }
    any_wide = wide != 0;
  }
};

// Lanes `first` and those beside it.
template <class Vector>
void hash_some(LaneGroup& group, const Extent& extent, size_t first) {
  const auto wide = Vector::load(&group.wide[first]);
  LaneState<Vector> state(Vector::load(&group.k0[first]), Vector::load(&group.k1[first]), wide);
  const char* const* const words = &group.words[first];
  for (uint64_t word = 0; word < extent.fewest; ++word) state.absorb(Vector::gather(words, 8 * word));
  const auto counts = Vector::load(&group.word_count[first]);
  for (uint64_t word = extent.fewest; word < extent.most; ++word) {
    state.absorb(Vector::gather(words, 8 * word), Vector::greater(counts, Vector::each(word)));
  }
  const auto finish = Vector::each(0xff) ^ (wide >> 3 & Vector::each(0x11));  // 0xee for the wide ones
  Vector::store(state.squeeze_first(finish), &group.low[first]);
  if (extent.any_wide) Vector::store(state.squeeze_second(), &group.high[first]);
}

template <class Vector>
void hash_in_lanes(LaneGroup& group) {
  if (group.taken == 0) return;
  for (size_t i = group.taken; i < LaneGroup::width; ++i) {  // what is not needed is done twice
    group.words[i] = group.words[0];
    group.word_count[i] = group.word_count[0];
    group.wide[i] = group.wide[0];
  }
  const Extent extent(group);
  for (size_t first = 0; first < group.taken; first += Vector::width) hash_some<Vector>(group, extent, first);
}

[[maybe_unused]] inline uint64_t word_at(const char* at) {
  uint64_t word;
  __builtin_memcpy(&word, at, sizeof word);
  return word;
}

}  // namespace
}  // namespace viaduct::steer
