// Servers die: what is seen, what moves, what is never invented.
#include "scenarios/scenario.h"

namespace viaduct::scenarios {
namespace {

using telemetry::Reason;

class Failure : public Scenario {
 protected:
  void die(const std::string& name) {
    server(name).die();
    node->judge(name, false);
  }
};

TEST_F(Failure, ADeathIsSeenInTimeAndOneLostProbeKillsNobody) {  // LBG-23
  Site probed = Site::of(4);
  probed.probed = true;
  open(probed);
  std::map<std::string, int> lost;
  node->probe([&](const std::string& name) { return server(name).alive() && lost[name]-- <= 0; });
  const auto healthy = [&](size_t backend) { return node->view().backends[backend].healthy; };
  world->run(10s);
  for (int i = 0; i < 20; ++i) {
    lost["p1"] = 1 + i % 2;  // one or two in a row
    world->run(11s);
    EXPECT_TRUE(healthy(0));
  }
  server("p2").die();
  const core::Instant died = world->now();
  EXPECT_TRUE(world->run_until([&] { return !healthy(1); }));
  EXPECT_LE(world->now() - died, 3 * 2s + 1s + 20ms);
  server("p2").come();
  EXPECT_TRUE(world->run_until([&] { return healthy(1); }));
  EXPECT_TRUE(healthy(0) && healthy(2) && healthy(3));
}

TEST_F(Failure, ACopyAfterTheDeathGoesElsewhereWithAnotherBranch) {  // LBG-04
  open(Site::of(4));
  const std::string id = id_at("p2");
  std::string branch;
  world->lose = [&](const Datagram& datagram) {  // the last that p2 hears goes unanswered
    if (datagram.destination != address_of("p2")) return false;
    branch = via_branch(SipText(datagram.text), 0);
    return true;
  };
  phones->call(id);
  world->after(300ms, [this] { die("p2"); });
  finish();
  const std::vector<Arrival> arrived = account.of(id, "INVITE");
  ASSERT_FALSE(arrived.empty());
  EXPECT_NE(arrived[0].server, "p2");
  EXPECT_NE(arrived[0].top_branch, branch);
  EXPECT_FALSE(branch.empty());
}

TEST_F(Failure, ADeathAfterRingingInventsNothing) {  // LBG-05
  open(Site::of(4));
  const std::string id = id_at("p2");
  ring(id);
  die("p2");
  world->run(120s);
  EXPECT_EQ(phones->at(id).state(), Call::State::ringing);
  EXPECT_EQ(phones->at(id).statuses("INVITE"), std::vector<unsigned>{180});
  EXPECT_EQ(account.at(id, "INVITE"), "p2") << "nobody else was asked";
}

TEST_F(Failure, TheLateAnswerOfOneThatRevivedGoesOn) {  // LBG-06, LBG-07
  open(Site::of(4));
  const std::string id = id_at("p2");
  phones->call(id, {.ring = 3s, .hold = 1h});
  world->run_until([&] { return phones->at(id).state() == Call::State::ringing; });
  server("p2").freeze();
  node->judge("p2", false);
  world->run(1s);
  phones->at(id).copy_invite();  // a second server is asked
  world->run(500ms);
  const std::vector<Arrival> arrived = account.of(id, "INVITE");
  ASSERT_EQ(arrived.size(), 2u);
  server("p2").come();
  node->judge("p2", true);
  world->run(10s);
  std::set<std::string> tags;
  for (const SipText& message : phones->at(id).got()) {
    if (status_of(message) == 200) tags.insert(test::param(message.value("To"), "tag"));
  }
  EXPECT_EQ(tags, (std::set<std::string>{"p2", arrived[1].server})) << "a fork, as section 13.2.2.4 knows it";
}

TEST_F(Failure, AfterAFailoverTheCancelReachesTheNewServerOnly) {  // LBG-07, LBG-08
  open(Site::of(4));
  const std::string id = id_at("p2");
  ring(id);
  die("p2");
  phones->at(id).copy_invite();
  world->run(100ms);
  const std::string second = account.of(id, "INVITE").back().server;
  ASSERT_NE(second, "p2");
  phones->at(id).cancel();
  world->run(2s);
  EXPECT_EQ(account.at(id, "CANCEL"), second);
  EXPECT_EQ(phones->at(id).state(), Call::State::completed);
}

TEST_F(Failure, ADialogOfADeadServerIsRefusedPlainly) {  // LBG-09
  open(Site::of(4));
  const std::string id = id_at("p2");
  talk(id);
  die("p2");
  phones->at(id).ask("UPDATE");
  world->run(100ms);
  EXPECT_EQ(phones->at(id).statuses("UPDATE"), std::vector<unsigned>{503});
  EXPECT_FALSE(phones->at(id).got().back().has("Retry-After"));
  EXPECT_EQ(account.count(id, "UPDATE"), 0u);
}

TEST_F(Failure, WhatNobodyCanServeIsRefusedAndAnswersStillPass) {  // LBG-10, LOC-16, CAN-08
  open(Site::of(2));
  ring("before", {.ring = 2s, .hold = 1h});
  drain("p1"), drain("p2");
  Call& call = phones->call("after");
  world->run(100ms);
  EXPECT_EQ(call.statuses("INVITE"), std::vector<unsigned>{503});
  EXPECT_TRUE(call.got()[0].has("Retry-After"));
  EXPECT_EQ(call.state(), Call::State::failed);
  EXPECT_EQ(node->count(Reason::ack_to_own_reply), 1u) << "its ACK ends here";
  world->run(2s);
  EXPECT_EQ(phones->at("before").state(), Call::State::talking);
  phones->at("before").hang_up();
  world->run(1s);
  EXPECT_EQ(phones->at("before").state(), Call::State::completed);
}

TEST_F(Failure, AReturnBringsEverythingBack) {  // LBG-02, LBG-06, OVL-06
  open(Site::of(5));
  std::map<std::string, std::string> homes;
  for (int i = 0; i < 100; ++i) homes["k" + std::to_string(i)] = home_of_key("k" + std::to_string(i));
  die("p3");
  std::set<std::string> heirs;
  for (const auto& [key, home] : homes) {
    const std::string now = home_of_key(key);
    if (home == "p3") {
      EXPECT_NE(now, "p3");
      heirs.insert(now);
    } else {
      EXPECT_EQ(now, home);
    }
  }
  EXPECT_EQ(heirs.size(), 4u);
  server("p3").come();
  node->judge("p3", true);
  for (const auto& [key, home] : homes) EXPECT_EQ(home_of_key(key), home);
}

}  // namespace
}  // namespace viaduct::scenarios
