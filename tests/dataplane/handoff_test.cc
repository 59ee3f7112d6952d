#include "dataplane/handoff.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "dataplane/idle.h"
#include "dataplane/wanted.h"
#include "support/packet_builder.h"

namespace viaduct::dataplane {
namespace {

Packet numbered(uint32_t number) {
  Packet packet;
  packet.length = number;
  return packet;
}

TEST(Handoff, EachOrderedPairHasItsOwnRing) {
  HandoffMesh mesh(3);
  for (size_t from = 0; from < 3; ++from) {
    for (size_t to = 0; to < 3; ++to) {
      if (from == to) continue;
      const Packet packet = numbered(static_cast<uint32_t>(10 * from + to));
      EXPECT_EQ(mesh.push(from, to, {&packet, 1}), 1u);
    }
  }
  EXPECT_EQ(mesh.waiting(), 6u);
  std::array<Packet, 8> out;
  for (size_t from = 0; from < 3; ++from) {
    for (size_t to = 0; to < 3; ++to) {
      if (from == to) continue;
      ASSERT_EQ(mesh.pop(from, to, out), 1u);
      EXPECT_EQ(out[0].length, 10 * from + to);
    }
  }
  EXPECT_EQ(mesh.waiting(), 0u);
}

TEST(Handoff, AFullRingTakesWhatFitsAndKeepsTheOrder) {
  HandoffMesh mesh(2, 8);
  std::vector<Packet> packets;
  for (uint32_t i = 0; i < 12; ++i) packets.push_back(numbered(i));
  EXPECT_EQ(mesh.push(0, 1, packets), 8u);
  EXPECT_EQ(mesh.push(0, 1, packets), 0u);
  std::array<Packet, 12> out;
  ASSERT_EQ(mesh.pop(0, 1, out), 8u);
  for (uint32_t i = 0; i < 8; ++i) EXPECT_EQ(out[i].length, i);
}

TEST(Handoff, IsOverWhenEveryWorkerHasRetired) {
  HandoffMesh mesh(2);
  EXPECT_FALSE(mesh.all_retired());
  mesh.retire();
  EXPECT_FALSE(mesh.all_retired());
  mesh.retire();
  EXPECT_TRUE(mesh.all_retired());
}

TEST(Handoff, OwnersAreSpreadEvenlyOverAnyNumberOfWorkers) {
  for (size_t workers : {1u, 2u, 3u, 7u, 16u}) {
    std::vector<size_t> owned(workers);
    constexpr size_t hashes = 70'000;
    for (uint64_t i = 0; i < hashes; ++i) {
      uint64_t hash = i * 0x9e3779b97f4a7c15ull;  // equidistributed over the 64-bit circle
      const size_t owner = owner_of(hash, workers);
      ASSERT_LT(owner, workers);
      ++owned[owner];
    }
    for (size_t count : owned) EXPECT_NEAR(static_cast<double>(count), double(hashes) / double(workers), 20.0);
  }
  EXPECT_EQ(owner_of(UINT64_MAX, 5), 4u);
  EXPECT_EQ(owner_of(0, 5), 0u);
}

TEST(WantedNeighbors, OneSilentNeighborDoesNotCrowdOutTheOthers) {
  WantedNeighbors wanted(4);
  for (int i = 0; i < 1000; ++i) wanted.want(1, test::ip("10.0.0.1"));
  wanted.want(1, test::ip("10.0.0.2"));
  std::array<WantedNeighbor, 8> out;
  ASSERT_EQ(wanted.take(out), 2u);
  EXPECT_EQ(out[0].address, test::ip("10.0.0.1"));
  EXPECT_EQ(out[1].address, test::ip("10.0.0.2"));
  EXPECT_EQ(out[1].port, 1);
}

TEST(WantedNeighbors, AWishIsRepeatedOnceTheFirstWasTaken) {
  WantedNeighbors wanted(4);
  std::array<WantedNeighbor, 8> out;
  wanted.want(0, test::ip("10.0.0.1"));
  ASSERT_EQ(wanted.take(out), 1u);
  wanted.want(0, test::ip("10.0.0.1"));
  EXPECT_EQ(wanted.take(out), 1u);
}

TEST(WantedNeighbors, MoreThanFitAreLost) {
  WantedNeighbors wanted(4);
  for (uint8_t i = 0; i < 200; ++i) wanted.want(0, net::IpAddress::v4(10, 0, 0, i));
  std::array<WantedNeighbor, 256> out;
  EXPECT_EQ(wanted.take(out), 4u);
}

TEST(Idle, PollNeverSleeps) {
  IdleLadder ladder(Idle::poll);
  for (int i = 0; i < 100'000; ++i) ASSERT_FALSE(ladder.empty());
  EXPECT_EQ(ladder.next_sleep_ns(), 0u);
}

TEST(Idle, AdaptiveClimbsFromAMicrosecondToAHundredAndComesDownAtOnce) {
  IdleLadder ladder(Idle::adaptive);
  EXPECT_EQ(ladder.next_sleep_ns(), 0u);
  uint32_t last = 0, first = 0;
  for (int i = 0; i < 150; ++i) {
    const uint32_t next = ladder.next_sleep_ns();
    EXPECT_GE(next, last);
    if (first == 0) first = next;
    last = next;
    EXPECT_EQ(ladder.empty(), next != 0);
  }
  EXPECT_EQ(first, 1'000u);
  EXPECT_EQ(last, 100'000u);
  ladder.busy();
  EXPECT_EQ(ladder.next_sleep_ns(), 0u);
}

}  // namespace
}  // namespace viaduct::dataplane
