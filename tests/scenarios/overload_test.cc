// More calls than there should be, in virtual time: what is there goes on, what comes has one fate, and all is well
// when it is over.
#include <gtest/gtest.h>

#include "scenarios/scenario.h"

namespace viaduct::scenarios {
namespace {

class Overload : public Scenario {
 protected:
  // So many calls at once, retransmitting as they do; how many got through.
  size_t storm(const std::string& name, int calls) {
    for (int i = 0; i < calls; ++i) {
      Call& call = phones->call(name + std::to_string(i), {.ring = 200ms, .hold = 2s});
      world->after(50ms, [&call] { call.copy_invite(); });
    }
    world->run(40s);
    size_t completed = 0;
    for (int i = 0; i < calls; ++i) {
      const Call& call = phones->at(name + std::to_string(i));
      EXPECT_TRUE(call.over());
      completed += call.state() == Call::State::completed ? 1 : 0;
      const auto statuses = call.statuses("INVITE");
      const bool refused = std::find(statuses.begin(), statuses.end(), 503U) != statuses.end();
      const bool served = account.count(call.id(), "INVITE") != 0;
      EXPECT_NE(refused, served) << call.id() << " has two fates:\n" << account.story(call.id());
    }
    return completed;
  }
  void shed(int percent) {
    site.more = "[overload]\nshed = " + std::to_string(percent) + "\nanswers = \"off\"\n";
    node->reload(site);
  }
};

// LOC-15, LBG-25, OVL-05
TEST_F(Overload, EstablishedDialogsAreUntouchedAndEachTransactionHasOneFate) {
  Site configured = Site::of(4);
  open(configured);
  for (int i = 0; i < 20; ++i) talk("before" + std::to_string(i));
  shed(50);
  const size_t completed = storm("during", 200);
  EXPECT_GT(completed, 70U);
  EXPECT_LT(completed, 130U);
  EXPECT_EQ(node->count(telemetry::Reason::shed_silent), 0U);
  for (int i = 0; i < 20; ++i) {
    Call& call = phones->at("before" + std::to_string(i));
    EXPECT_EQ(call.state(), Call::State::talking);
    call.ask("UPDATE");
  }
  world->run(1s);
  for (int i = 0; i < 20; ++i) phones->at("before" + std::to_string(i)).hang_up();
  world->run(5s);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(phones->at("before" + std::to_string(i)).state(), Call::State::completed);
    EXPECT_EQ(account.count("before" + std::to_string(i), "UPDATE"), 1U);
  }
  shed(0);
  EXPECT_EQ(storm("after", 50), 50U);
  expect_nothing_split();
}

// LOC-15: while the share goes up and down under calls that are being set up, whoever was let in stays in.
TEST_F(Overload, AShareThatChangesSplitsNoTransactionThatWasForwarded) {
  open(Site::of(4));
  for (int i = 0; i < 60; ++i) ring("ringing" + std::to_string(i), {.ring = 20s, .hold = 1s});
  for (const int percent : {90, 10, 100, 0, 70}) {
    shed(percent);
    for (int i = 0; i < 60; ++i) phones->at("ringing" + std::to_string(i)).copy_invite();
    world->run(1s);
  }
  world->run(40s);
  for (int i = 0; i < 60; ++i) {
    const Call& call = phones->at("ringing" + std::to_string(i));
    EXPECT_EQ(call.state(), Call::State::completed) << call.why();
  }
  EXPECT_EQ(node->count(telemetry::Reason::shed), 0U);
  expect_nothing_split();
}

// CANCEL of a call that is being set up passes, whatever the load (LOC-15).
TEST_F(Overload, CancelsPass) {
  open(Site::of(2));
  ring("given-up");
  shed(100);
  phones->at("given-up").cancel();
  world->run(2s);
  EXPECT_EQ(account.count("given-up", "CANCEL"), 1U);
  EXPECT_EQ(phones->at("given-up").statuses("INVITE").back(), 487U);
  EXPECT_EQ(storm("refused", 10), 0U);
}

// LOC-14: a caller whose one answer is lost repeats himself in vain, and is let in when it is over; the ledger closes
// (~Node).
TEST_F(Overload, SilenceOverTheBudget) {
  open(Site::of(2));
  site.more = "[overload]\nshed = 100\nanswers = \"1/h\"\n";
  node->reload(site);
  world->lose = [](const Datagram& datagram) { return datagram.text.starts_with("SIP/2.0 503"); };
  for (int i = 0; i < 5; ++i) phones->call("patient" + std::to_string(i), {.ring = 100ms, .hold = 1s});
  world->run(2s);
  EXPECT_EQ(node->count(telemetry::Reason::shed), 5U);
  EXPECT_EQ(node->count(telemetry::Reason::shed_silent), 10U) << "copies after 500 and 1,500 ms";
  shed(0);
  world->run(20s);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(phones->at("patient" + std::to_string(i)).state(), Call::State::completed);
}

}  // namespace
}  // namespace viaduct::scenarios
