#include "steer/hash_lanes.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "support/guarded_buffer.h"

namespace viaduct::steer {
namespace {

// Inputs, padded, each at the very end of its memory.
struct Inputs {
  std::vector<std::string> texts;
  std::vector<std::string> padded;
  std::vector<HashLane> lanes;

  void add(const HashKey& key, std::string text, bool wide) {
    std::string bytes = text + std::string(8, '#');
    const uint32_t words = pad_to_words(bytes.data(), text.size());
    bytes.resize(size_t{8} * words);
    texts.push_back(std::move(text));
    padded.push_back(std::move(bytes));
    lanes.push_back({.key = key, .words = nullptr, .word_count = words, .wide = wide});
  }
  std::span<HashLane> ready() {
    for (size_t i = 0; i < lanes.size(); ++i) lanes[i].words = padded[i].data();
    return lanes;
  }
};

void expect_plain_hashes(const Inputs& inputs) {
  for (size_t i = 0; i < inputs.lanes.size(); ++i) {
    const HashLane& lane = inputs.lanes[i];
    const Hash128 plain =
        lane.wide ? siphash128(lane.key, inputs.texts[i]) : Hash128{siphash64(lane.key, inputs.texts[i]), 0};
    ASSERT_EQ(lane.hash, plain) << "lane " << i << " of " << inputs.texts[i].size() << " bytes";
  }
}

TEST(HashLanes, EveryKernelHashesAsOneAtATimeWhateverTheLengthsKeysAndSizes) {
  SCOPED_TRACE("TGT-05");
  std::mt19937_64 random(7);
  for (const LaneKernel& kernel : lane_kernels()) {
    SCOPED_TRACE(kernel.name);
    for (int round = 0; round < 3000; ++round) {
      Inputs inputs;
      const size_t count = 1 + random() % kernel.width;
      const size_t longest = round % 3 == 0 ? 9 : 300;
      for (size_t i = 0; i < count; ++i) {
        std::string text(random() % longest, ' ');
        for (char& c : text) c = static_cast<char>(random());
        inputs.add({random(), random()}, text, random() % 2 == 0);
      }
      kernel.hash(inputs.ready().data(), count);
      expect_plain_hashes(inputs);
    }
  }
}

TEST(HashLanes, HashShortInputsOfEveryLength) {
  SCOPED_TRACE("TXN-18");
  std::string counting;
  for (int i = 0; i < 64; ++i) counting += static_cast<char>(i);
  for (const bool wide : {false, true}) {
    Inputs inputs;
    for (size_t size = 0; size < 64; ++size) {
      inputs.add({0x0706050403020100, 0x0f0e0d0c0b0a0908}, counting.substr(0, size), wide);
    }
    siphash_lanes(inputs.ready());
    expect_plain_hashes(inputs);
  }
}

TEST(HashLanes, ReadNothingBehindTheWords) {
  for (const LaneKernel& kernel : lane_kernels()) {
    Inputs inputs;
    for (size_t i = 0; i < kernel.width; ++i) inputs.add({1, 2}, std::string(1 + 13 * i, 'x'), i % 2 == 0);
    inputs.ready();
    std::vector<std::unique_ptr<test::GuardedBuffer>> guarded;
    for (size_t i = 0; i < kernel.width; ++i) {
      guarded.push_back(std::make_unique<test::GuardedBuffer>(inputs.padded[i]));
      inputs.lanes[i].words = guarded.back()->data();
    }
    kernel.hash(inputs.lanes.data(), kernel.width);
    expect_plain_hashes(inputs);
  }
}

}  // namespace
}  // namespace viaduct::steer
