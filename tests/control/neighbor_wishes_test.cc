// How often the kernel is asked for a neighbour, with a kernel that takes down what it is asked.
#include "control/neighbor_wishes.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

namespace viaduct::control {
namespace {

using namespace std::chrono_literals;
using Neighbor = KernelTwin::Neighbor;
using Time = NeighborWishes::Time;

struct Kernel final : KernelTwin {
  int fd() const override { return -1; }
  core::Result<bool> read_changes() override { return false; }
  std::vector<net::Prefix> addresses(uint16_t) const override { return {}; }
  uint32_t mtu(uint16_t) const override { return 1500; }
  std::vector<dataplane::Route> routes() const override { return {}; }
  std::vector<dataplane::Adjacency::Neighbor> neighbors() const override { return {}; }
  core::Status add_address(uint16_t, const net::Prefix&) override { return core::Done{}; }
  void want(uint16_t port, const net::IpAddress& address) override { asked.emplace_back(port, address); }
  std::vector<Neighbor> take_forgotten() override { return std::exchange(forgotten, {}); }

  std::vector<Neighbor> asked, forgotten;
};

struct NeighborWishesTest : ::testing::Test {
  size_t questions() { return std::exchange(kernel.asked, {}).size(); }
  void learn(const Neighbor& neighbor) {
    const net::Mac mac{{2, 0, 0, 0, 0, 1}};
    wishes.found(dataplane::Adjacency({}, {{neighbor.first, neighbor.second, mac}}));
  }

  Kernel kernel;
  NeighborWishes wishes{kernel};
  const Neighbor one{0, *net::parse_ip("10.77.0.2")}, other{1, *net::parse_ip("2001:db8::2")};
  const Time start{100s};
};

TEST_F(NeighborWishesTest, OneNeighbourIsAskedForOnceASecond) {
  for (auto at = 0ms; at < 2s; at += 10ms) {
    wishes.wish(one, start + at);
    wishes.turn(start + at);
  }
  EXPECT_EQ(questions(), 2u);
}

TEST_F(NeighborWishesTest, NeighboursAreAskedForEachOnItsOwn) {
  wishes.wish(one, start);
  wishes.wish(other, start);
  EXPECT_EQ(kernel.asked, (std::vector{one, other}));
}

TEST_F(NeighborWishesTest, WhoWasFoundAndIsMissingAgainIsAskedForAtOnce) {
  wishes.wish(one, start);
  wishes.wish(other, start);
  learn(one);
  wishes.wish(one, start + 1ms);
  wishes.wish(other, start + 1ms);
  EXPECT_EQ(kernel.asked, (std::vector{one, other, one}));
}

TEST_F(NeighborWishesTest, WhoIsForgottenBeforeItWasFoundIsAskedForAgainWithTheNextTurn) {
  wishes.wish(one, start);
  kernel.forgotten = {other, one, one};
  wishes.wish(one, start + 5ms);
  EXPECT_EQ(questions(), 1u);
  wishes.turn(start + 10ms);
  EXPECT_EQ(kernel.asked, (std::vector{one}));
  wishes.turn(start + 20ms);
  EXPECT_EQ(questions(), 1u) << "forgotten once, asked for again once";
}

TEST_F(NeighborWishesTest, WhoIsForgottenLongAfterIsNotAskedForUnlessWished) {
  wishes.wish(one, start);
  EXPECT_EQ(questions(), 1u);
  kernel.forgotten = {one};
  wishes.turn(start + 1s);
  EXPECT_EQ(questions(), 0u);
  wishes.wish(one, start + 1s);
  EXPECT_EQ(questions(), 1u);
}

TEST_F(NeighborWishesTest, SoManyNeighboursAndNoMore) {
  net::IpAddress address = one.second;
  for (size_t i = 0; i <= NeighborWishes::neighbors_max; ++i) {
    address.bytes[13] = static_cast<uint8_t>(i >> 16);
    address.bytes[14] = static_cast<uint8_t>(i >> 8);
    address.bytes[15] = static_cast<uint8_t>(i);
    wishes.wish({0, address}, start);
  }
  EXPECT_EQ(questions(), NeighborWishes::neighbors_max);
  wishes.turn(start + 1s);
  wishes.wish({0, address}, start + 1s);
  EXPECT_EQ(questions(), 1u);
}

}  // namespace
}  // namespace viaduct::control
