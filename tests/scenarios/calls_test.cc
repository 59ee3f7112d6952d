// Calls of all kinds through a balancer at rest: CANCEL and ACK with their INVITE, dialogs along their routes.
#include "scenarios/scenario.h"

namespace viaduct::scenarios {
namespace {

class Calls : public Scenario {};

Plan plan_of(int number) {
  Plan plan;
  plan.ring = std::chrono::milliseconds(20 + 37 * (number % 11));
  plan.hold = std::chrono::milliseconds(100 + 53 * (number % 17));
  plan.callee_hangs_up = number % 3 == 1;
  plan.update = number % 4 == 2;
  if (number % 5 == 0) plan.ring = 1h, plan.cancel_after = 70ms;
  if (number % 7 == 3) plan.answer = "486 Busy Here";
  return plan;
}

// CAN-01, CAN-02, CAN-06, AFF-04, LBG-12, LBG-24
TEST_F(Calls, EveryKindOfCallComesToItsEndOverWiresThatLoseAndDuplicate) {
  open(Site::of(4));
  world->loss_percent = 5, world->duplicate_percent = 5;
  for (int i = 0; i < 120; ++i) {
    world->after(i * 10ms, [this, i] { phones->call("call" + std::to_string(i), plan_of(i)); });
  }
  world->run(2s);
  finish();
  expect_nothing_split();
  expect_calls_whole();
  EXPECT_GT(node->handed(), 100u) << "both workers had a part in it";
}

TEST_F(Calls, ACancelIsForwardedWithTheBranchOfItsInvite) {  // CAN-01, CAN-02
  open(Site::of(4));
  for (int i = 0; i < 20; ++i) {
    const std::string id = "c" + std::to_string(i);
    const std::string home = ring(id);
    phones->at(id).cancel();
    world->run(200ms);
    EXPECT_EQ(account.at(id), home);
    ASSERT_EQ(account.count(id, "CANCEL"), 1u);
    EXPECT_EQ(account.of(id, "CANCEL")[0].top_branch, account.of(id, "INVITE")[0].top_branch);
    EXPECT_EQ(account.of(id, "ACK").at(0).top_branch, account.of(id, "INVITE")[0].top_branch) << "CAN-06";
    EXPECT_EQ(phones->at(id).statuses("CANCEL"), std::vector<unsigned>{200}) << "the server's, and one alone";
    EXPECT_EQ(phones->at(id).state(), Call::State::completed) << phones->at(id).why();
  }
}

TEST_F(Calls, ACancelWithoutInviteIsForwardedToo) {  // CAN-04
  open(Site::of(4));
  const std::string home = home_of_key("never-called");
  phones->send(SipText(test::sip_text("CANCEL sip:bob@example.com SIP/2.0\nVia: SIP/2.0/UDP 198.51.100.7:5060;"
                                      "branch=z9hG4bKnever\nMax-Forwards: 70\nFrom: <sip:a@example.com>;tag=1\nTo: "
                                      "<sip:bob@example.com>\nCall-ID: never-called\nCSeq: 1 CANCEL\n"
                                      "Content-Length: 0\n") +
                       "\r\n"));
  world->run(100ms);
  EXPECT_EQ(account.at("never-called", "CANCEL"), home);
  ASSERT_FALSE(phones->others.empty());
  EXPECT_EQ(status_of(phones->others.back()), 481u) << "the server's word";
}

TEST_F(Calls, TheAckToASuccessFollowsItsRoute) {  // CAN-03, CAN-07
  open(Site::of(4));
  const std::string home = talk("c");
  world->run(200ms);
  ASSERT_EQ(account.count("c", "ACK"), 1u);
  EXPECT_EQ(account.at("c", "ACK"), home);
  EXPECT_NE(account.of("c", "ACK")[0].top_branch, account.of("c", "INVITE")[0].top_branch);
}

// Though both are handed over to another worker.
TEST_F(Calls, ACancelDoesNotOvertakeItsInvite) {  // CAN-09
  open(Site::of(4));
  for (int i = 0; i < 40; ++i) {
    const std::string id = "c" + std::to_string(i);
    phones->call(id, {.ring = 1h});
    world->after(5us, [this, id] { phones->at(id).cancel(); });
    world->run(100ms);
    const std::vector<Arrival> arrived = account.of(id);
    ASSERT_GE(arrived.size(), 2u);
    EXPECT_EQ(arrived[0].method, "INVITE");
    EXPECT_EQ(arrived[1].method, "CANCEL");
  }
}

TEST_F(Calls, RequestsOfTheServersSideAreNeverBalanced) {  // LBG-12, LBG-13
  open(Site::of(4));
  for (int i = 0; i < 20; ++i) {
    const std::string id = "c" + std::to_string(i);
    const std::string home = talk(id);
    server(home).ask(id, "BYE");
    world->run(100ms);
    EXPECT_EQ(phones->at(id).state(), Call::State::completed) << phones->at(id).why();
    EXPECT_EQ(account.count(id, "BYE"), 0u) << "no server got it";
  }
}

TEST_F(Calls, CopiesGoOnAsCopies) {  // LBG-24
  open(Site::of(4));
  ring("c");
  for (int i = 0; i < 4; ++i) phones->at("c").copy_invite();
  world->run(100ms);
  const std::vector<Arrival> arrived = account.of("c", "INVITE");
  ASSERT_EQ(arrived.size(), 5u);
  for (const Arrival& arrival : arrived) EXPECT_EQ(arrival.top_branch, arrived[0].top_branch);
}

TEST_F(Calls, EveryAnswerOfAForkPasses) {  // LBG-11
  open(Site::of(4));
  SipText invite = SipText(test::sip_text("INVITE sip:bob@example.com SIP/2.0\nVia: SIP/2.0/UDP 198.51.100.7:5060;"
                                          "branch=z9hG4bKfork\nMax-Forwards: 70\nFrom: <sip:a@example.com>;tag=1\nTo: "
                                          "<sip:bob@example.com>\nCall-ID: fork\nCSeq: 1 INVITE\nContact: "
                                          "<sip:a@198.51.100.7>\nX-Fork: yes\nContent-Length: 0\n") +
                           "\r\n");
  phones->send(invite);
  world->run(100ms);
  std::set<std::string> tags;
  for (const SipText& message : phones->others) {
    if (status_of(message) == 200) tags.insert(test::param(message.value("To"), "tag"));
  }
  EXPECT_EQ(tags.size(), 2u);
}

TEST_F(Calls, AnAsymmetricCallerIsAnsweredAtItsViaPort) {  // LBG-15
  open(Site::of(4));
  std::vector<Datagram> at_via_port, at_source;
  world->listen("198.51.100.9:5060", [&](const Datagram& datagram) { at_via_port.push_back(datagram); });
  world->listen("198.51.100.9:40112", [&](const Datagram& datagram) { at_source.push_back(datagram); });
  for (const std::string rport : {"", ";rport"}) {
    world->send({"198.51.100.9:40112", std::string(outside),
                 test::sip_text("OPTIONS sip:bob@example.com SIP/2.0\nVia: SIP/2.0/UDP 198.51.100.9:5060" + rport +
                                ";branch=z9hG4bKx" + std::to_string(rport.size()) +
                                "\nMax-Forwards: 70\nFrom: <sip:a@example.com>;tag=1\nTo: <sip:bob@example.com>\n"
                                "Call-ID: odd\nCSeq: 1 OPTIONS\nContent-Length: 0\n\n")});
    world->run(50ms);
  }
  EXPECT_EQ(at_via_port.size(), 1u);
  EXPECT_EQ(at_source.size(), 1u) << "with rport";
}

}  // namespace
}  // namespace viaduct::scenarios
