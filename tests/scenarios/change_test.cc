// The set of backends changes, and processes and cores come and go, between any two messages.
#include "scenarios/scenario.h"

namespace viaduct::scenarios {
namespace {

class Change : public Scenario {
 protected:
  // Where 3,000 keys go, by the table that new calls are chosen from.
  std::vector<std::string> choices() const {
    std::vector<std::string> names;
    const proxy::View& view = node->view();
    for (const uint16_t member : view.pools[0].overlay.slots()) {
      names.push_back(member == steer::no_member ? "" : view.backends[view.pools[0].first_backend + member].name);
    }
    return names;
  }
  static size_t count(const std::vector<std::string>& names, const std::string& name) {
    return static_cast<size_t>(std::count(names.begin(), names.end(), name));
  }
  void check_rings_end_where_they_began(const std::map<std::string, std::string>& homes) {
    for (const auto& [id, home] : homes) phones->at(id).copy_invite();
    world->run(100ms);
    for (const auto& [id, home] : homes) phones->at(id).cancel();
    world->run(2s);
    for (const auto& [id, home] : homes) {
      EXPECT_EQ(account.at(id), home) << id;
      EXPECT_GE(account.count(id, "ACK"), 1u);
      EXPECT_EQ(phones->at(id).state(), Call::State::completed) << phones->at(id).why();
    }
    expect_nothing_split();
  }
  std::map<std::string, std::string> start_ringing(const std::string& prefix, int count = 40) {
    std::map<std::string, std::string> homes;
    for (int i = 0; i < count; ++i) homes[prefix + std::to_string(i)] = ring(prefix + std::to_string(i));
    return homes;
  }
};

TEST_F(Change, WhatIsUnderWayStaysThroughEveryKindOfChange) {  // LBG-01, LBG-03, LBG-08
  open(Site::of(4));
  auto homes = start_ringing("a");
  drain("p1");
  homes.merge(start_ringing("b"));
  order("backend weight proxies/p2 10");
  homes.merge(start_ringing("c"));
  Site other = Site::of(6);
  other.backends.erase(other.backends.begin() + 2);  // p3 leaves, p5 and p6 come, p1 is up
  node->reload(other);
  homes.merge(start_ringing("d"));
  node->reload(Site::of(4));
  check_rings_end_where_they_began(homes);
}

TEST_F(Change, ACancelThreeMinutesLaterFindsItsInvite) {  // CAN-05, LBG-03
  open(Site::of(4));
  const auto homes = start_ringing("a");
  world->run(10s);
  node->reload(Site::of(9));
  world->run(180s);
  drain("p2");
  check_rings_end_where_they_began(homes);
}

TEST_F(Change, AfterTheWindowThePastIsForgotten) {  // LBG-03
  open(Site::of(4));
  Site other = Site::of(4);
  other.backends.pop_back();
  node->reload(other);
  world->run(299s);
  EXPECT_EQ(node->view().backends.size(), 4u) << "p4 finishes what it has";
  EXPECT_EQ(node->view().pools[0].previous.size(), 1u);
  world->run(2s);
  EXPECT_EQ(node->view().backends.size(), 3u);
  EXPECT_TRUE(node->view().pools[0].previous.empty());
}

// A change between any two steps of a message: on the wire, at the worker that received it, on its way to the worker
// that owns it, and behind it.
TEST_F(Change, AChangeAtAnyMomentSplitsNothing) {  // LBG-18, LBG-01
  for (int moment = 0; moment < 15; ++moment) {
    SCOPED_TRACE(moment);
    open(Site::of(3));
    for (int i = 0; i < 6; ++i) phones->call("c" + std::to_string(i), {.ring = 1h});
    world->after(900us + moment * 20us, [this] { drain("p2"); });
    world->after(900us + moment * 20us + 15us, [this] { node->reload(Site::of(5)); });
    world->after(1ms, [this] {
      for (const auto& [id, call] : phones->all()) call->copy_invite();
    });
    world->run(500ms);
    std::map<std::string, std::string> homes;
    for (const auto& [id, call] : phones->all()) homes[id] = account.of(id).at(0).server;
    check_rings_end_where_they_began(homes);
  }
}

TEST_F(Change, ANewBackendTakesFromAllAndNobodyElseGetsAnything) {  // LBG-02
  open(Site::of(8));
  const auto before = choices();
  node->reload(Site::of(9));
  const auto after = choices();
  size_t moved = 0;
  for (size_t slot = 0; slot < before.size(); ++slot) {
    if (before[slot] == after[slot]) continue;
    ++moved;
    ASSERT_EQ(after[slot], "p9");
  }
  EXPECT_NEAR(static_cast<double>(moved) / static_cast<double>(before.size()), 1.0 / 9, 0.015);
  node->reload(Site::of(8));
  EXPECT_EQ(choices(), before);
}

TEST_F(Change, WhoDiesOrDrainsMovesItsOwnCallsOnly) {  // LBG-02
  open(Site::of(8));
  const auto before = choices();
  const auto check = [&](const std::string& what) {
    SCOPED_TRACE(what);
    const auto after = choices();
    const double share = static_cast<double>(count(before, "p3")) / 7;
    for (size_t slot = 0; slot < before.size(); ++slot) {
      if (before[slot] != "p3") {
        ASSERT_EQ(after[slot], before[slot]);
      }
    }
    EXPECT_EQ(count(after, "p3"), 0u);
    for (const char* name : {"p1", "p2", "p4", "p5", "p6", "p7", "p8"}) {
      EXPECT_NEAR(static_cast<double>(count(after, name) - count(before, name)), share, 0.3 * share) << name;
    }
  };
  drain("p3");
  check("drained");
  order("backend up proxies/p3");
  EXPECT_EQ(choices(), before);
  node->judge("p3", false);
  check("dead");
  node->judge("p3", true);
  EXPECT_EQ(choices(), before);
}

TEST_F(Change, ARestartIsNotNoticed) {  // LBG-17
  open(Site::of(4));
  std::map<std::string, std::string> homes;
  for (int i = 0; i < 40; ++i) {
    const std::string id = "c" + std::to_string(i);
    homes[id] = i % 2 == 0 ? talk(id) : ring(id, {.ring = 5s, .hold = 1s});
  }
  for (int i = 0; i < 3; ++i) {
    node->restart();
    for (const auto& [id, home] : homes) phones->at(id).copy_invite();
    world->run(1s);
  }
  for (const auto& [id, call] : phones->all()) call->hang_up();
  finish();
  for (const auto& [id, home] : homes) EXPECT_EQ(account.at(id), home);
  expect_nothing_split();
}

TEST_F(Change, OneWorkerThatBeginsAnewIsNotNoticedEither) {  // LBG-17, LBG-18
  open(Site::of(4));
  const auto homes = start_ringing("a");
  node->restart_worker(0);
  node->restart_worker(1);
  check_rings_end_where_they_began(homes);
}

TEST_F(Change, AnotherNodeCarriesOn) {  // LBG-16
  open(Site::of(4));
  Node other(*world, site, 3);
  std::map<std::string, std::string> homes;
  for (int i = 0; i < 30; ++i) {
    const std::string id = "c" + std::to_string(i);
    homes[id] = i % 2 == 0 ? talk(id) : ring(id, {.ring = 2s, .hold = 1s});
  }
  other.take_addresses();
  for (const auto& [id, home] : homes) phones->at(id).copy_invite();
  world->run(1s);
  for (const auto& [id, call] : phones->all()) call->hang_up();
  world->run(1500ms);
  node->take_addresses();
  finish();
  for (const auto& [id, home] : homes) EXPECT_EQ(account.at(id), home);
  expect_nothing_split();
  EXPECT_EQ(other.count(telemetry::Reason::via_mac_bad) + node->count(telemetry::Reason::via_mac_bad), 0u);
}

// In the order that the manual gives: every node verifies with the new secret before one signs with it.
TEST_F(Change, ARotationOfTheSecretOnTwoNodesIsNotNoticed) {  // TXN-19, LOC-06, RRT-11
  open(Site::of(4));
  Node other(*world, site, 2);
  const std::string former(64, '1'), fresh(64, '2');
  std::map<std::string, std::string> homes;
  int number = 0, turn = 0;
  // Some calls talk and some ring; everybody in the world meets the other node from message to message.
  const auto step = [&](Node& changed, const std::vector<std::string>& secrets) {
    for (int i = 0; i < 8; ++i) {
      const std::string id = "c" + std::to_string(number++);
      homes[id] = i % 2 == 0 ? talk(id) : ring(id);
      (++turn % 2 == 0 ? *node : other).take_addresses();
    }
    site.secrets = secrets;
    changed.reload(site);
    for (const auto& [id, home] : homes) {
      (++turn % 2 == 0 ? *node : other).take_addresses();
      phones->at(id).copy_invite();
      if (phones->at(id).state() == Call::State::talking) phones->at(id).ask("UPDATE");
      world->run(20ms);
    }
  };
  for (Node* each : {node.get(), &other}) step(*each, {former, fresh, former});
  for (Node* each : {node.get(), &other}) step(*each, {fresh, former});
  for (const auto& [id, home] : homes) {
    (++turn % 2 == 0 ? *node : other).take_addresses();
    phones->at(id).state() == Call::State::talking ? phones->at(id).hang_up() : phones->at(id).cancel();
    world->run(20ms);
  }
  finish();
  for (const auto& [id, home] : homes) EXPECT_EQ(account.at(id), home) << id;
  expect_nothing_split();
  for (const Node* each : {node.get(), &other}) EXPECT_EQ(each->count(telemetry::Reason::via_mac_bad), 0u);
}

// What is under way is remembered by the worker that owns it, so a rotation must not deal the owners anew.
TEST_F(Change, ARotationLeavesCallsWithTheirWorkers) {  // LBG-18, TXN-19
  open(Site::of(4), 3);
  const std::string former(64, '1'), fresh(64, '2');
  const auto homes = start_ringing("a");
  site.secrets = {fresh, former};
  node->reload(site);
  drain("p1"), drain("p2");
  check_rings_end_where_they_began(homes);
}

}  // namespace
}  // namespace viaduct::scenarios
