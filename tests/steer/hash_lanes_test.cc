#include "steer/hash_lanes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "support/guarded_buffer.h"

namespace viaduct::steer {
namespace {

// The inputs of a batch, padded, each with room for as many words as the longest has and those that may be read behind.
struct Inputs {
  struct Input {
    HashKey key;
    std::string text, padded;
    uint32_t words;
    bool wide;
  };
  std::vector<Input> inputs;
  LaneBatch batch;

  void add(const HashKey& key, std::string text, bool wide) {
    std::string bytes = text + std::string(8, '#');
    const uint32_t words = pad_to_words(bytes.data(), text.size());
    bytes.resize(size_t{8} * words);
    inputs.push_back({key, std::move(text), std::move(bytes), words, wide});
  }
  LaneBatch& ready() {
    size_t longest = 0;
    for (const Input& input : inputs) longest = std::max(longest, input.padded.size());
    longest += LaneBatch::words_behind * sizeof(uint64_t);
    batch.clear();
    for (Input& input : inputs) {
      input.padded.resize(longest, '#');
      batch.add(input.padded.data(), input.words);
      batch.seal(input.key, input.wide);
    }
    return batch;
  }
};

void expect_plain_hashes(const Inputs& inputs) {
  for (size_t i = 0; i < inputs.inputs.size(); ++i) {
    const auto& [key, text, padded, words, wide] = inputs.inputs[i];
    ASSERT_EQ(inputs.batch.low[i], wide ? siphash128(key, text).low : siphash64(key, text))
        << "lane " << i << " of " << text.size() << " bytes";
    if (wide) {
      ASSERT_EQ(inputs.batch.hash(i), siphash128(key, text));
    }
  }
}

TEST(HashLanes, EveryKernelHashesAsOneAtATimeWhateverTheLengthsKeysAndSizes) {
  SCOPED_TRACE("TGT-05");
  std::mt19937_64 random(7);
  for (const LaneKernel& kernel : lane_kernels()) {
    SCOPED_TRACE(kernel.name);
    for (int round = 0; round < 3000; ++round) {
      Inputs inputs;
      const size_t count = 1 + random() % (round % 4 == 0 ? LaneBatch::capacity : LaneBatch::width);
      const size_t longest = round % 3 == 0 ? 9 : 300;
      for (size_t i = 0; i < count; ++i) {
        std::string text(random() % longest, ' ');
        for (char& c : text) c = static_cast<char>(random());
        inputs.add({random(), random()}, text, random() % 2 == 0);
      }
      kernel.hash(inputs.ready());
      expect_plain_hashes(inputs);
    }
  }
}

TEST(HashLanes, HashShortInputsOfEveryLength) {
  SCOPED_TRACE("TXN-18");
  std::string counting;
  for (int i = 0; i < 64; ++i) counting += static_cast<char>(i);
  for (const bool wide : {false, true}) {
    for (size_t size = 0; size < 64; ++size) {
      Inputs inputs;
      inputs.add({0x0706050403020100, 0x0f0e0d0c0b0a0908}, counting.substr(0, size), wide);
      siphash_lanes(inputs.ready());
      expect_plain_hashes(inputs);
    }
  }
}

TEST(HashLanes, ReadNothingBehindTheWordsOfTheLongest) {
  for (const LaneKernel& kernel : lane_kernels()) {
    Inputs inputs;
    for (size_t i = 0; i < LaneBatch::capacity; ++i) inputs.add({1, 2}, std::string(1 + 13 * i, 'x'), i % 2 == 0);
    LaneBatch& batch = inputs.ready();
    std::vector<std::unique_ptr<test::GuardedBuffer>> guarded;
    for (size_t i = 0; i < LaneBatch::capacity; ++i) {
      guarded.push_back(std::make_unique<test::GuardedBuffer>(inputs.inputs[i].padded));
      batch.inputs[i] = guarded.back()->data();
    }
    kernel.hash(batch);
    expect_plain_hashes(inputs);
  }
}

}  // namespace
}  // namespace viaduct::steer
