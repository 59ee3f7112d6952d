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

// The lanes of one vector.
template <class Vector>
class Strand {
 public:
  static constexpr size_t width = Vector::width;

  // Lanes `first` and those beside it.
  Strand(LaneBatch& batch, size_t first)
      : batch_(batch),
        first_(first),
        state_(Vector::load(&batch.k0[first]), Vector::load(&batch.k1[first]), Vector::load(&batch.wide[first])),
        counts_(Vector::load(&batch.word_count[first])) {
    uint64_t wide = 0;
    for (size_t i = first; i < first + width; ++i) {
      fewest_ = batch.word_count[i] < fewest_ ? batch.word_count[i] : fewest_;
      most_ = batch.word_count[i] > most_ ? batch.word_count[i] : most_;
      wide |= batch.wide[i];
    }
    any_wide_ = wide != 0;
  }

  uint64_t fewest() const { return fewest_; }  // words that every lane has
  uint64_t most() const { return most_; }      // words that some lane has

  void absorb(uint64_t word) { state_.absorb(Vector::gather(&batch_.inputs[first_], 8 * word)); }
  // One that perhaps not every lane has.
  void absorb_some(uint64_t word) {
    state_.absorb(Vector::gather(&batch_.inputs[first_], 8 * word), Vector::greater(counts_, Vector::each(word)));
  }
  void squeeze() {
    const auto wide = Vector::load(&batch_.wide[first_]);
    const auto finish = Vector::each(0xff) ^ (wide >> 3 & Vector::each(0x11));  // 0xee for the wide ones
    Vector::store(state_.squeeze_first(finish), &batch_.low[first_]);
    if (any_wide_) Vector::store(state_.squeeze_second(), &batch_.high[first_]);
  }

 private:
  LaneBatch& batch_;
  size_t first_;
  LaneState<Vector> state_;
  typename Vector::Lanes counts_;
  uint64_t fewest_ = UINT64_MAX, most_ = 0;
  bool any_wide_ = false;
};

template <class Vector>
void hash_one(LaneBatch& batch, size_t first) {
  Strand<Vector> strand(batch, first);
  uint64_t word = 0;
  for (; word < strand.fewest(); ++word) strand.absorb(word);
  for (; word < strand.most(); ++word) strand.absorb_some(word);
  strand.squeeze();
}

// Two vectors at once: a round is a chain of four steps, and while one waits the other goes on.
template <class Vector>
void hash_two(LaneBatch& batch, size_t first) {
  Strand<Vector> one(batch, first), other(batch, first + Vector::width);
  uint64_t word = 0;
  const uint64_t every_lane = one.fewest() < other.fewest() ? one.fewest() : other.fewest();
  const uint64_t both = one.most() < other.most() ? one.most() : other.most();
  for (; word < every_lane; ++word) {
    one.absorb(word);
    other.absorb(word);
  }
  for (; word < both; ++word) {
    one.absorb_some(word);
    other.absorb_some(word);
  }
  for (uint64_t rest = word; rest < one.most(); ++rest) one.absorb_some(rest);
  for (uint64_t rest = word; rest < other.most(); ++rest) other.absorb_some(rest);
  one.squeeze();
  other.squeeze();
}

template <class Vector>
void hash_in_lanes(LaneBatch& batch) {
  constexpr size_t width = Vector::width;
  static_assert(LaneBatch::width % width == 0);
  for (size_t i = batch.count; i % width != 0; ++i) {  // what is not needed is done twice
    batch.inputs[i] = batch.inputs[i - 1];
    batch.word_count[i] = batch.word_count[i - 1];
    batch.wide[i] = batch.wide[i - 1];
  }
  size_t first = 0;
  for (; first + width < batch.count; first += 2 * width) hash_two<Vector>(batch, first);
  if (first < batch.count) hash_one<Vector>(batch, first);
}

[[maybe_unused]] inline uint64_t word_at(const char* at) {
  uint64_t word;
  __builtin_memcpy(&word, at, sizeof word);
  return word;
}

}  // namespace
}  // namespace viaduct::steer
