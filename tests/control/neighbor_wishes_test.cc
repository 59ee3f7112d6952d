// How often the kernel is asked for a neighbour, and how long one is kept that it forgot, with a kernel that takes down
// what it is asked.
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
  uint64_t incarnation(uint16_t) const override { return 1; }
  std::optional<net::Mac> mac(uint16_t) const override { return std::nullopt; }
  uint32_t mtu(uint16_t) const override { return 1500; }
  std::vector<dataplane::Route> routes() const override { return {}; }
  std::vector<dataplane::Adjacency::Neighbor> neighbors() const override { return {}; }
  core::Status add_address(uint16_t, const net::Prefix&) override { return core::Done{}; }
  void want(uint16_t port, const net::IpAddress& address) override { asked.emplace_back(port, address); }
  void ask(uint16_t port, const net::IpAddress& address) override { asked.emplace_back(port, address); }
  std::vector<Loss> take_losses() override { return std::exchange(losses, {}); }
  bool give_up(const Neighbor& neighbor) override {
    given_up.push_back(neighbor);
    return !found_again;
  }

  std::vector<Neighbor> asked, given_up;
  std::vector<Loss> losses;
  bool found_again = false;
};

struct NeighborWishesTest : ::testing::Test {
  size_t questions() { return std::exchange(kernel.asked, {}).size(); }
  void learn(const Neighbor& neighbor) {
    const net::Mac mac{{2, 0, 0, 0, 0, 1}};
    wishes.found(dataplane::Adjacency({}, {{neighbor.first, neighbor.second, mac}}));
  }

  static KernelTwin::Loss forgotten(const Neighbor& neighbor) { return {.neighbor = neighbor, .deleted = true}; }
  // What the kernel says when somebody deletes the entry of one that was known, and of one that it asks for again.
  static std::vector<KernelTwin::Loss> deleted(const Neighbor& neighbor) {
    return {{neighbor, false, true, true}, {neighbor, true, true, false}};
  }
  static std::vector<KernelTwin::Loss> deleted_again(const Neighbor& neighbor) {
    return {{neighbor, true, true, false}};
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
  kernel.losses = {forgotten(other), forgotten(one), forgotten(one)};
  wishes.wish(one, start + 5ms);
  EXPECT_EQ(questions(), 1u);
  wishes.turn(start + 10ms);
  EXPECT_EQ(kernel.asked, (std::vector{one}));
  wishes.turn(start + 20ms);
  EXPECT_EQ(questions(), 1u) << "forgotten once, asked for again once";
}

TEST_F(NeighborWishesTest, WhoDidNotAnswerIsAskedForWithTheNextWish) {
  wishes.wish(one, start);
  kernel.losses = {{.neighbor = one}};
  wishes.turn(start + 10ms);
  EXPECT_EQ(questions(), 1u);
  wishes.wish(one, start + 20ms);
  EXPECT_EQ(questions(), 1u);
}

TEST_F(NeighborWishesTest, WhoIsForgottenLongAfterIsNotAskedForUnlessWished) {
  wishes.wish(one, start);
  EXPECT_EQ(questions(), 1u);
  kernel.losses = {forgotten(one)};
  wishes.turn(start + 1s);
  EXPECT_EQ(questions(), 0u);
  wishes.wish(one, start + 1s);
  EXPECT_EQ(questions(), 1u);
}

TEST_F(NeighborWishesTest, WhoWasKnownAndIsDeletedIsAskedForAgainAndKeptMeanwhile) {
  kernel.losses = deleted(one);
  EXPECT_FALSE(wishes.turn(start));
  EXPECT_EQ(kernel.asked, (std::vector{one}));
  EXPECT_FALSE(wishes.turn(start + NeighborWishes::keeping_time - 1ms));
  EXPECT_EQ(kernel.given_up, (std::vector<Neighbor>{}));
  EXPECT_TRUE(wishes.turn(start + NeighborWishes::keeping_time));
  EXPECT_EQ(kernel.given_up, (std::vector{one}));
  EXPECT_FALSE(wishes.turn(start + 10s));
  EXPECT_EQ(questions(), 1u);
}

TEST_F(NeighborWishesTest, NothingIsFewerIfTheKernelHasFoundItAgain) {
  kernel.losses = deleted(one);
  kernel.found_again = true;
  wishes.turn(start);
  EXPECT_FALSE(wishes.turn(start + NeighborWishes::keeping_time));
}

TEST_F(NeighborWishesTest, ADeletionMayBeToldInTwoTurns) {
  const auto both = deleted(one);
  kernel.losses = {both[0]};
  EXPECT_FALSE(wishes.turn(start));
  EXPECT_EQ(questions(), 0u);
  kernel.losses = {both[1]};
  EXPECT_FALSE(wishes.turn(start + 10ms));
  EXPECT_FALSE(wishes.turn(start + 1s));
  EXPECT_EQ(questions(), 1u);
}

// RFC 4861 section 7.3.3
TEST_F(NeighborWishesTest, WhoDidNotAnswerIsNotKept) {
  kernel.losses = {deleted(one)[0]};
  EXPECT_FALSE(wishes.turn(start));
  EXPECT_TRUE(wishes.turn(start + NeighborWishes::until_deleted));
  EXPECT_EQ(kernel.given_up, (std::vector{one}));
  EXPECT_EQ(questions(), 0u);
}

TEST_F(NeighborWishesTest, FlushesDoNotKeepUpForEverWhoDoesNotAnswer) {
  kernel.losses = deleted(one);
  for (auto at = 0ms; at < NeighborWishes::keeping_time; at += 100ms) {
    EXPECT_FALSE(wishes.turn(start + at)) << at.count();
    kernel.losses = deleted_again(one);
  }
  EXPECT_EQ(questions(), 30u);
  EXPECT_TRUE(wishes.turn(start + NeighborWishes::keeping_time));
}

TEST_F(NeighborWishesTest, TheTimeBeginsAnewForOneThatWasFoundInBetween) {
  kernel.losses = deleted(one);
  wishes.turn(start);
  kernel.losses = deleted(one);
  wishes.turn(start + 2s);
  EXPECT_FALSE(wishes.turn(start + 4s));
  EXPECT_TRUE(wishes.turn(start + 5s));
}

TEST_F(NeighborWishesTest, ManyThatAreDeletedAtOnceAreAskedForInPortions) {
  Neighbor neighbor = one;
  for (size_t i = 0; i < NeighborWishes::again_max + 10; ++i) {
    neighbor.second.bytes[13] = static_cast<uint8_t>(i >> 8);
    neighbor.second.bytes[14] = static_cast<uint8_t>(i);
    for (const auto& loss : deleted(neighbor)) kernel.losses.push_back(loss);
  }
  wishes.turn(start);
  EXPECT_EQ(questions(), NeighborWishes::again_max);
  wishes.turn(start + 10ms);
  EXPECT_EQ(questions(), 10u);
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
