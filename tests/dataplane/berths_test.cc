// What is written where it leaves from is what would have been copied there.
#include "dataplane/berths.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "dataplane/coming_berth.h"
#include "dataplane/fixture.h"

namespace viaduct::dataplane {
namespace {

class BerthsTest : public WorkersTest {
 protected:
  static constexpr size_t rounds = 400;

  // Traffic of every kind, so far as the lab knows it: calls, junk, what is answered, what is too large.
  static std::vector<MemoryIo::Frame> traffic() {
    std::vector<MemoryIo::Frame> frames;
    test::MessageCorpus corpus;
    std::mt19937 random(7);
    for (const test::CorpusMessage& message : corpus.requests(rounds)) {
      std::string text = message.text;
      const unsigned kind = random() % 8;
      if (kind == 0) text.replace(text.find("SIP/2.0"), 7, "SIP/3.0");                  // answered
      if (kind == 1) text.replace(text.find("Max-Forwards: "), 16, "Max-Forwards: 0");  // answered too
      if (kind == 2) text = test::invite_of(message.call, 1000 + random() % 900);       // some in fragments
      if (kind == 3) text.resize(random() % text.size());                               // some is junk
      frames.push_back({.port = edge, .bytes = test::from_outside(message.call.caller, text)});
    }
    return frames;
  }
  // All of it through a worker in bursts.
  std::vector<MemoryIo::Frame> through_all(const std::vector<MemoryIo::Frame>& frames,
                                           const MemoryIo::Options& options) {
    start({.record_route = true, .core_mtu = 1500}, 1, options);
    injected_ = 0;
    std::mt19937 random(3);
    for (size_t at = 0; at < frames.size();) {
      for (size_t burst = 1 + random() % burst_max; burst != 0 && at < frames.size(); --burst, ++at) {
        inject(frames[at].bytes, frames[at].port);
      }
      turn();
    }
    return io().take_sent();
  }
  static void expect_same(const std::vector<MemoryIo::Frame>& left, const std::vector<MemoryIo::Frame>& right) {
    ASSERT_EQ(left.size(), right.size());
    for (size_t i = 0; i < left.size(); ++i) {
      ASSERT_EQ(left[i].port, right[i].port) << i;
      ASSERT_EQ(left[i].bytes, right[i].bytes) << i;
      ASSERT_EQ(left[i].udp_checksum, right[i].udp_checksum) << i;
    }
  }
};

TEST_F(BerthsTest, FramesAreTheSameHoweverManyPlacesThereAre) {
  const std::vector<MemoryIo::Frame> frames = traffic();
  const auto copied = through_all(frames, {});
  ASSERT_GT(copied.size(), rounds / 2);
  const auto fragments = std::count_if(copied.begin(), copied.end(), [](const MemoryIo::Frame& frame) {
    return (frame.bytes[20] & 0x3f) != 0 || frame.bytes[21] != 0;
  });
  EXPECT_GT(fragments, 0) << "what leaves otherwise is among them";
  for (const size_t places : {1, 2, 5, 15, 16, 17, 33, 64, 1000}) {
    SCOPED_TRACE(places);
    expect_same(through_all(frames, {.berths = places}), copied);
  }
}

TEST_F(BerthsTest, APlaceTooSmallIsNotUsed) {
  const std::vector<MemoryIo::Frame> frames = traffic();
  const auto copied = through_all(frames, {});
  for (const uint32_t bytes : {0u, 40u, 400u, 700u, 900u, 1300u}) {
    SCOPED_TRACE(bytes);
    expect_same(through_all(frames, {.berths = 64, .berth_bytes = bytes}), copied);
  }
}

TEST(Berths, OneThatLeavesFromElsewhereEndsThem) {
  std::array<uint8_t, 64> memory;
  const Berths::Ask ask = [](void* base, uint16_t port, size_t passed, std::span<Berth> out) -> size_t {
    if (port != 0) return 0;
    for (size_t i = 0; i < out.size(); ++i) out[i] = {static_cast<uint8_t*>(base) + passed + i, 1};
    return std::min<size_t>(out.size(), 40 - passed);
  };
  Berths berths(2, memory.data(), ask);
  for (size_t i = 0; i < 40; ++i) {
    ASSERT_EQ(berths.next(0).data, &memory[i]);
    ASSERT_EQ(berths.next(0).data, &memory[i]) << "until it is taken";
    const size_t ahead = i + 1 + Berths::lead;
    ASSERT_EQ(berths.take(0), ahead < 40 ? &memory[ahead] : nullptr);
  }
  EXPECT_EQ(berths.next(0).data, nullptr);
  EXPECT_EQ(berths.next(1).data, nullptr);
  berths.begin();
  EXPECT_EQ(berths.next(0).data, &memory[0]);
  berths.close(0);
  EXPECT_EQ(berths.next(0).data, nullptr);
  berths.begin();
  EXPECT_EQ(berths.next(0).data, &memory[0]);
}

TEST(Berths, ComeInOrderHoweverFewAreToldOfAtOnce) {
  static constexpr size_t places = 200;
  std::array<uint8_t, places> memory;
  const Berths::Ask ask = [](void* base, uint16_t, size_t passed, std::span<Berth> out) -> size_t {
    const size_t count = std::min({size_t{5}, out.size(), places - passed});
    for (size_t i = 0; i < count; ++i) out[i] = {static_cast<uint8_t*>(base) + passed + i, 1};
    return count;
  };
  Berths berths(1, memory.data(), ask);
  for (size_t i = 0; i < places; ++i) {
    ASSERT_EQ(berths.next(0).data, &memory[i]);
    const size_t ahead = i + 1 + Berths::lead;
    ASSERT_EQ(berths.take(0), ahead < places ? &memory[ahead] : nullptr);
  }
  EXPECT_EQ(berths.next(0).data, nullptr);
}

// What it asks for is a hint.
TEST(ComingBerth, AsksForMemoryThatIsNotThereWithoutHarm) {
  const size_t bytes = 4096;
  void* const place = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(place, MAP_FAILED);
  munmap(place, bytes);
  ComingBerth coming;
  for (const size_t frame : {100, 500, 1500, 9000}) {
    coming.is_at(static_cast<const uint8_t*>(place), frame);
    [&]<size_t... step>(std::index_sequence<step...>) { (coming.warm<step>(), ...); }
    (std::make_index_sequence<ComingBerth::steps>());
  }
}

}  // namespace
}  // namespace viaduct::dataplane
