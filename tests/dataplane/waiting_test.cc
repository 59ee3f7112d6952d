// Messages whose next hop has no link address yet.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "dataplane/fixture.h"
#include "dataplane/waiting_room.h"

namespace viaduct::dataplane {
namespace {

using namespace std::chrono_literals;
using telemetry::Reason;

const test::Call usual_call;

class WaitingTest : public WorkersTest {
 protected:
  void SetUp() override {
    now_ = &time_;
    start({.neighbors_known = false});
  }
  void TearDown() override {
    bench().worker->release_waiting();
    WorkersTest::TearDown();
  }

  // What netlink tells the control thread, and that the workers.
  void publish(const std::vector<Adjacency::Neighbor>& neighbors) {
    view_.adjacency = std::make_shared<Adjacency>(
        std::vector<Route>{{.prefix = *net::parse_prefix("192.0.2.0/24"), .port = edge, .on_link = true, .gateway = {}},
                           {.prefix = *net::parse_prefix("10.0.1.0/24"), .port = core, .on_link = true, .gateway = {}}},
        neighbors);
    ++view_.epoch;
  }
  static Adjacency::Neighbor client(int last) {
    return {edge, test::ip("192.0.2." + std::to_string(last)), net::Mac{{2, 0, 0, 0, 9, static_cast<uint8_t>(last)}}};
  }

  // A request that is answered by ourselves, and so goes back to the client, who is on our link.
  std::vector<MemoryIo::Frame> ask(int last, int number = 0) {
    test::Call spent = usual_call;
    spent.call_id = std::to_string(number) + "@192.0.2." + std::to_string(last);
    std::string invite = test::invite_of(spent, 700);
    invite.replace(invite.find("Max-Forwards: 70"), 16, "Max-Forwards: 0 ");
    return through(test::from_outside("192.0.2." + std::to_string(last) + ":5060", invite));
  }
  std::vector<MemoryIo::Frame> sent() {
    turn();
    return io().take_sent();
  }

  core::Instant time_{1h};
};

TEST_F(WaitingTest, LeaveWhenTheirNeighborIsFound) {
  publish({});
  EXPECT_TRUE(ask(7, 1).empty());
  EXPECT_TRUE(ask(8, 2).empty());
  EXPECT_TRUE(ask(7, 3).empty());
  EXPECT_EQ(bench().counters.by_reason[static_cast<size_t>(Reason::too_many_hops)].value(), 0u) << "not answered yet";

  time_ += 3ms;
  publish({client(7)});
  const auto first = sent();
  ASSERT_EQ(first.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    const std::string_view frame = core::text_of(first[i].bytes);
    EXPECT_EQ(frame.substr(0, 6), std::string_view("\x02\0\0\0\x09\x07", 6));
    EXPECT_EQ(frame.substr(6, 6), std::string_view("\x02\0\0\0\x01\0", 6));
    EXPECT_NE(frame.find(i == 0 ? "Call-ID: 1@" : "Call-ID: 3@"), std::string_view::npos) << "in order";
    EXPECT_EQ(first[i].port, edge);
  }
  EXPECT_EQ(count(Reason::too_many_hops), 2u);

  publish({client(7), client(8)});
  EXPECT_EQ(sent().size(), 1u);
  EXPECT_EQ(count(Reason::too_many_hops), 3u);
  EXPECT_EQ(count(Reason::no_neighbor), 0u);
}

TEST_F(WaitingTest, AreWholeAndCorrectWhenTheyLeave) {
  publish({client(7)});
  const auto known = ask(7);
  ASSERT_EQ(known.size(), 1u);
  publish({});
  EXPECT_TRUE(ask(7).empty());
  publish({client(7)});
  const auto waited = sent();
  ASSERT_EQ(waited.size(), 1u);
  // But for the identification of the datagram, and so the checksum of its header.
  const auto rest = [](const MemoryIo::Frame& frame) { return core::text_of(frame.bytes).substr(14 + 20); };
  EXPECT_EQ(rest(waited[0]), rest(known[0]));
}

TEST_F(WaitingTest, RequestsWaitForTheirBackend) {
  start({.backend_count = 1, .neighbors_known = false});
  EXPECT_TRUE(through(test::from_outside("198.51.100.7:5060", test::invite_of(usual_call, 700))).empty());
  EXPECT_EQ(bench().counters.forwarded.value(), 0u);
  view_.adjacency = test::lab_adjacency({.backend_count = 1});
  ++view_.epoch;
  const auto left = sent();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(core::text_of(left[0].bytes).substr(0, 6), std::string_view("\x02\0\0\0\x03\x01", 6));
  EXPECT_EQ(left[0].port, core);
  EXPECT_EQ(bench().counters.requests_forwarded.value(), 1u);
  EXPECT_EQ(bench().counters.backend_requests[0].value(), 1u);
}

TEST_F(WaitingTest, AreGivenUpAfterT1) {
  publish({});
  ask(7, 1);
  time_ += WaitingRoom::patience - 1ms;
  ask(7, 2);
  EXPECT_EQ(count(Reason::no_neighbor), 0u);
  time_ += 1ms;
  turn();
  EXPECT_EQ(count(Reason::no_neighbor), 1u);
  time_ += WaitingRoom::patience;
  turn();
  EXPECT_EQ(count(Reason::no_neighbor), 2u);
  publish({client(7)});
  EXPECT_TRUE(sent().empty());
}

TEST_F(WaitingTest, OneSilentNeighborLeavesRoomForOthers) {
  publish({});
  for (int number = 0; number < 1000; ++number) ask(7, number);
  EXPECT_EQ(count(Reason::no_neighbor), 1000 - WaitingRoom::of_one_max);
  ask(8);
  EXPECT_EQ(count(Reason::no_neighbor), 1000 - WaitingRoom::of_one_max);
  publish({client(8)});
  EXPECT_EQ(sent().size(), 1u);
  publish({client(7)});
  const auto newest = sent();
  ASSERT_EQ(newest.size(), WaitingRoom::of_one_max);
  EXPECT_NE(core::text_of(newest[0].bytes).find("Call-ID: 984@"), std::string_view::npos);
}

TEST_F(WaitingTest, TheOldestMakesRoomWhereThereIsNone) {
  publish({});
  WaitingRoom room;
  for (int last = 1; last <= 100; ++last) {
    WaitingRoom::Waiter waiter{};
    waiter.departure.kind = Departure::Kind::request;
    waiter.packet.length = static_cast<uint32_t>(last);
    waiter.neighbor = client(last).address;
    const auto displaced = room.take(waiter, view_);
    ASSERT_EQ(displaced.has_value(), last > 64);
    if (displaced) {
      EXPECT_EQ(displaced->length, static_cast<uint32_t>(last - 64));
    }
  }
  EXPECT_EQ(room.clear().size(), WaitingRoom::capacity);
}

// Answers go where a source says that it is, and sources can be forged by the thousand.
TEST_F(WaitingTest, AnswersPushOutNoCallThatWaitsForItsBackend) {
  start({.backend_count = 1, .neighbors_known = false});
  publish({});
  EXPECT_TRUE(through(test::from_outside("198.51.100.7:5060", test::invite_of(usual_call, 700))).empty());
  for (int last = 101; last <= 200; ++last) ask(last);
  EXPECT_EQ(count(Reason::no_neighbor), 100 - WaitingRoom::replies_max);
  publish({{core, test::ip("10.0.1.1"), test::backend_mac(0)}, client(168), client(169), client(200)});
  const auto left = sent();
  ASSERT_EQ(left.size(), 3u) << "the call, and of the answers the newest 32";
  EXPECT_EQ(left[0].port, core);
}

TEST_F(WaitingTest, WhatIsTooLargeForTheWayLeavesInFragments) {
  start({.edge_mtu = 600, .neighbors_known = false});
  publish({});
  test::Call wordy = usual_call;
  wordy.call_id = std::string(500, 'c');
  std::string invite = test::invite_of(wordy, 2000);
  invite.replace(invite.find("Max-Forwards: 70"), 16, "Max-Forwards: 0 ");
  EXPECT_TRUE(through(test::from_outside("192.0.2.7:5060", invite)).empty());
  publish({client(7)});
  EXPECT_EQ(sent().size(), 2u);
  EXPECT_EQ(count(Reason::too_many_hops), 1u);
}

TEST_F(WaitingTest, AreBookedWhenTheWorkerEnds) {
  publish({});
  ask(7);
  bench().worker->drain();
  EXPECT_EQ(count(Reason::shutdown), 1u);
}

TEST_F(WaitingTest, NobodyWaitsWhereNobodyIsAsked) {
  bench().worker = std::make_unique<MemoryWorker>(
      WorkerPlace{.worker = 0, .mesh = *mesh_, .view = current_, .counters = bench().counters}, io());
  through(test::from_outside("198.51.100.7:5060", test::invite_of(usual_call, 700)));
  EXPECT_EQ(count(Reason::no_neighbor), 1u);
}

}  // namespace
}  // namespace viaduct::dataplane
