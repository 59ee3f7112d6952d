// The rounds behind hash_lanes.h, included once by each file that compiles them for an instruction set. `Vector` says
// how many lanes there are and how they are added, rotated and loaded, and how many vectors are worked on at once. Each
// input lies in a row, and a round wants a word of all of them: so some words of each are loaded at once and transposed
// in registers. Internal linkage: code made for one instruction set must not be merged with that for another.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

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
  using Lanes = typename Vector::Lanes;
  using Words = Lanes[LaneBatch::words_at_once];

  // Lanes `first` and those beside it.
  Strand(LaneBatch& batch, size_t first)
      : batch_(batch),
        first_(first),
        wide_(Vector::load(&batch.wide[first])),
        state_(Vector::load(&batch.k0[first]), Vector::load(&batch.k1[first]), wide_),
        counts_(Vector::load(&batch.word_count[first])) {}

  Lanes counts() const { return counts_; }

  void load(uint64_t word, Words& words) const { Vector::load_words(&batch_.inputs[first_], 8 * word, words); }
  void absorb(Lanes word) { state_.absorb(word); }
  // The `index`-th, which perhaps not every lane has.
  void absorb_some(Lanes word, uint64_t index) { state_.absorb(word, Vector::greater(counts_, Vector::each(index))); }
  void squeeze() {
    const auto finish = Vector::each(0xff) ^ (wide_ >> 3 & Vector::each(0x11));  // 0xee for the wide ones
    Vector::store(state_.squeeze_first(finish), &batch_.low[first_]);
    if (Vector::greatest(wide_) != 0) Vector::store(state_.squeeze_second(), &batch_.high[first_]);
  }

 private:
  LaneBatch& batch_;
  const size_t first_;
  const Lanes wide_;
  LaneState<Vector> state_;
  const Lanes counts_;
};

// Some vectors at once: a round is a chain of four steps of two cycles, and while one waits the others go on.
template <class Vector, size_t... index>
void hash_some(LaneBatch& batch, size_t first, std::index_sequence<index...>) {
  constexpr size_t count = sizeof...(index), step = LaneBatch::words_at_once;
  Strand<Vector> strands[count] = {Strand<Vector>(batch, first + index * Vector::width)...};
  auto fewest = strands[0].counts(), most = fewest;
  ((fewest = Vector::smaller(fewest, strands[index].counts())), ...);
  ((most = Vector::larger(most, strands[index].counts())), ...);
  const uint64_t every_lane = Vector::least(fewest), some_lane = Vector::greatest(most);
  typename Strand<Vector>::Words words[count];
  uint64_t word = 0;
  for (; word + step <= every_lane; word += step) {
    (strands[index].load(word, words[index]), ...);
    for (size_t i = 0; i < step; ++i) (strands[index].absorb(words[index][i]), ...);
  }
  for (; word < some_lane; word += step) {
    (strands[index].load(word, words[index]), ...);
    for (size_t i = 0; i < step && word + i < some_lane; ++i) {
      if (word + i < every_lane) {
        (strands[index].absorb(words[index][i]), ...);
      } else {
        (strands[index].absorb_some(words[index][i], word + i), ...);
      }
    }
  }
  (strands[index].squeeze(), ...);
}

// `most` vectors at once while there are as many.
template <class Vector, size_t most>
void hash_from(LaneBatch& batch, size_t first) {
  constexpr size_t lanes = most * Vector::width, all_but_one = lanes - Vector::width;
  for (; first + all_but_one < batch.count; first += lanes) {
    hash_some<Vector>(batch, first, std::make_index_sequence<most>());
  }
  if constexpr (most > 1) hash_from<Vector, most - 1>(batch, first);
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
  hash_from<Vector, Vector::at_once>(batch, 0);
}

}  // namespace
}  // namespace viaduct::steer
