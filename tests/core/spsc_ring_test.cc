#include "core/spsc_ring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <random>
#include <thread>
#include <vector>

#include "support/effort.h"

namespace viaduct::core {
namespace {

TEST(SpscRing, RoundsItsCapacityUp) {
  EXPECT_EQ(SpscRing<int>(1).capacity(), 1u);
  EXPECT_EQ(SpscRing<int>(5).capacity(), 8u);
  EXPECT_EQ(SpscRing<int>(64).capacity(), 64u);
}

TEST(SpscRing, TakesWhatFitsAndGivesWhatIsThere) {
  SpscRing<int> ring(4);
  const std::array<int, 6> items = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(ring.push(items), 4u);
  EXPECT_EQ(ring.push(std::span(items).subspan(4)), 0u);
  EXPECT_EQ(ring.size(), 4u);
  std::array<int, 3> out{};
  EXPECT_EQ(ring.pop(out), 3u);
  EXPECT_EQ(out, (std::array<int, 3>{1, 2, 3}));
  EXPECT_EQ(ring.push(std::span(items).subspan(4)), 2u);
  EXPECT_EQ(ring.pop(out), 3u);
  EXPECT_EQ(out, (std::array<int, 3>{4, 5, 6}));
  EXPECT_EQ(ring.pop(out), 0u);
  EXPECT_EQ(ring.push({}), 0u);
  EXPECT_EQ(ring.pop({}), 0u);
  EXPECT_EQ(ring.size(), 0u);
}

TEST(SpscRing, BehavesAsABoundedQueueUnderRandomUse) {
  std::mt19937 random(8);
  SpscRing<uint32_t> ring(16);
  std::deque<uint32_t> model;
  uint32_t next = 0;
  for (int round = 0; round < 100'000; ++round) {
    std::array<uint32_t, 24> batch{};
    const size_t count = random() % batch.size();
    if (random() % 2 == 0) {
      for (size_t i = 0; i < count; ++i) batch[i] = next + static_cast<uint32_t>(i);
      const size_t taken = ring.push(std::span(batch).first(count));
      ASSERT_EQ(taken, std::min(count, 16 - model.size()));
      for (size_t i = 0; i < taken; ++i) model.push_back(next++);
    } else {
      const size_t got = ring.pop(std::span(batch).first(count));
      ASSERT_EQ(got, std::min(count, model.size()));
      for (size_t i = 0; i < got; ++i) {
        ASSERT_EQ(batch[i], model.front());
        model.pop_front();
      }
    }
    ASSERT_EQ(ring.size(), model.size());
  }
}

// Two words an item: a reader that came before the write would see halves that do not match.
struct Item {
  uint64_t number = 0;
  uint64_t inverse = 0;
};

void produce(SpscRing<Item>& ring, uint64_t items) {
  std::mt19937 random(9);
  std::array<Item, 40> burst;
  for (uint64_t sent = 0; sent < items;) {
    const size_t count = std::min<uint64_t>(1 + random() % burst.size(), items - sent);
    for (size_t i = 0; i < count; ++i) burst[i] = {sent + i, ~(sent + i)};
    const size_t taken = ring.push(std::span(burst).first(count));
    if (taken == 0) std::this_thread::yield();
    sent += taken;
  }
}

TEST(SpscRing, LosesDoublesAndReordersNothingBetweenTwoThreads) {
  for (size_t capacity : {1, 8, 1024}) {
    SpscRing<Item> ring(capacity);
    const auto items = static_cast<uint64_t>(test::rounds(capacity == 1 ? 100'000 : 2'000'000));
    std::jthread producer([&] { produce(ring, items); });
    std::mt19937 random(10);
    std::array<Item, 40> burst;
    uint64_t expected = 0;
    bool intact = true;
    while (expected < items) {
      const size_t got = ring.pop(std::span(burst).first(1 + random() % burst.size()));
      if (got == 0) std::this_thread::yield();
      for (size_t i = 0; i < got; ++i, ++expected) {
        intact &= burst[i].number == expected && burst[i].inverse == ~expected;
      }
      intact &= ring.size() <= ring.capacity();
    }
    EXPECT_TRUE(intact) << "capacity " << capacity;
    EXPECT_EQ(ring.size(), 0u);
  }
}

}  // namespace
}  // namespace viaduct::core
