// While the set of backends changes: what is under way stays where it is (LBG-01, LBG-03, LBG-08, CAN-05).
#include <functional>
#include <map>

#include "support/proxy_bed.h"

namespace viaduct::test {
namespace {

// A balancer whose worker remembers what it sent, before and after a change.
class Change : public ::testing::Test {
 protected:
  static constexpr int calls = 300;

  static SipText call(int i) {
    const std::string number = std::to_string(i);
    return m0.with("Call-ID", "call-" + number)
        .with("Via", "SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bKcall" + number);
  }
  Outcome send(const std::string& message) {
    const Outcome outcome = decide_and_apply(bed.view, message, {alice, outside, &transactions});
    if (outcome.decision.transaction != 0) transactions.remember(outcome.decision.transaction);
    return outcome;
  }
  uint16_t backend_of(const std::string& message) { return send(message).decision.backend; }

  // As control does it: the tables so far are kept.
  void change(const std::function<void(proxy::View&)>& edit) {
    const steer::Table before = bed.view.pools[0].overlay;
    edit(bed.view);
    proxy::finish(bed.view);
    bed.view.pools[0].previous.insert(bed.view.pools[0].previous.begin(), before);
  }
  void window_ends() { bed.view.pools[0].previous.clear(); }

  // The backends of calls 0 .. calls - 1, whose INVITEs are sent now.
  std::vector<uint16_t> start_calls() {
    std::vector<uint16_t> backends;
    for (int i = 0; i < calls; ++i) backends.push_back(backend_of(call(i)));
    return backends;
  }

  Bed bed;
  proxy::Transactions transactions;
};

TEST_F(Change, ADrainedBackendFinishesTheTransactionsThatItHas) {  // LBG-01, LBG-03, LBG-08, CAN-05
  const std::vector<uint16_t> before = start_calls();
  change([](proxy::View& view) { view.backends[1].state = proxy::OperatorState::drain; });
  int moved = 0;
  for (int i = 0; i < calls; ++i) {
    EXPECT_EQ(backend_of(call(i)), before[i]) << "a copy of the INVITE";
    const Outcome cancel = send(cancel_of(call(i)));
    EXPECT_EQ(cancel.decision.backend, before[i]);
    EXPECT_EQ(backend_of(ack_of(call(i), "busy")), before[i]);
    const Outcome fresh = send(call(calls + i));
    EXPECT_NE(fresh.decision.backend, 1) << "no new call";
    moved += bed.view.pools[0].table.pick(fresh.decision.hash) == 1;
  }
  EXPECT_GT(moved, calls / 5) << "some of the new calls would have been the drained one's";
}

TEST_F(Change, CopyCancelAndAckHaveTheBranchFromBeforeTheChange) {  // LBG-18, TXN-16
  std::vector<std::string> branches;
  for (int i = 0; i < calls; ++i) branches.push_back(send(call(i)).branch());
  change([](proxy::View& view) { view.backends[0].weight = 10; });
  for (int i = 0; i < calls; ++i) {
    EXPECT_EQ(send(call(i)).branch(), branches[i]);
    EXPECT_EQ(send(cancel_of(call(i))).branch(), branches[i]);
    EXPECT_EQ(send(ack_of(call(i), "busy")).branch(), branches[i]);
  }
}

TEST_F(Change, ANewCallAfterTheChangeStaysWithTheNewChoice) {  // LBG-01
  change([](proxy::View& view) { view.backends[2].state = proxy::OperatorState::drain; });
  for (int i = 0; i < calls; ++i) {
    const uint16_t backend = backend_of(call(i));
    EXPECT_NE(backend, 2);
    EXPECT_EQ(backend_of(call(i)), backend);
    EXPECT_EQ(backend_of(cancel_of(call(i))), backend);
  }
}

TEST_F(Change, ARemovedBackendFinishesToo) {  // LBG-01, LBG-03
  const std::vector<uint16_t> before = start_calls();
  change([](proxy::View& view) { view.backends[0].departing = true; });
  for (int i = 0; i < calls; ++i) EXPECT_EQ(backend_of(cancel_of(call(i))), before[i]);
  for (int i = calls; i < 2 * calls; ++i) EXPECT_NE(backend_of(call(i)), 0);
}

TEST_F(Change, ADeadBackendKeepsNothing) {  // LBG-04, LBG-07, LBG-08
  const std::vector<uint16_t> before = start_calls();
  change([](proxy::View& view) { view.backends[0].healthy = false; });
  for (int i = 0; i < calls; ++i) {
    const uint16_t now = backend_of(call(i));
    EXPECT_NE(now, 0);
    if (before[i] != 0) {
      EXPECT_EQ(now, before[i]);
    }
    EXPECT_EQ(backend_of(cancel_of(call(i))), now);
  }
}

// Down, calls go to stand-ins; up again, those calls stay with them, and new ones are where they always were.
TEST_F(Change, AReturnTakesNothingFromTheStandIns) {  // LBG-01, LBG-06
  change([](proxy::View& view) { view.backends[0].healthy = false; });
  const std::vector<uint16_t> during = start_calls();
  change([](proxy::View& view) { view.backends[0].healthy = true; });
  int came_back = 0;
  for (int i = 0; i < calls; ++i) EXPECT_EQ(backend_of(cancel_of(call(i))), during[i]);
  for (int i = calls; i < 2 * calls; ++i) came_back += backend_of(call(i)) == 0;
  EXPECT_GT(came_back, calls / 5);
}

TEST_F(Change, TwoChangesInTheWindowBothCount) {  // LBG-01
  const std::vector<uint16_t> first = start_calls();
  change([](proxy::View& view) { view.backends[1].state = proxy::OperatorState::drain; });
  std::map<int, uint16_t> second;
  for (int i = calls; i < 2 * calls; ++i) second[i] = backend_of(call(i));
  change([](proxy::View& view) { view.backends[2].state = proxy::OperatorState::drain; });
  for (int i = 0; i < calls; ++i) EXPECT_EQ(backend_of(cancel_of(call(i))), first[i]);
  for (const auto& [i, backend] : second) EXPECT_EQ(backend_of(cancel_of(call(i))), backend);
}

TEST_F(Change, AfterTheWindowOnlyTheNewTableCounts) {  // LBG-03
  const std::vector<uint16_t> before = start_calls();
  change([](proxy::View& view) { view.backends[1].state = proxy::OperatorState::drain; });
  window_ends();
  int moved = 0;
  for (int i = 0; i < calls; ++i) moved += backend_of(call(i)) != before[i];
  EXPECT_GT(moved, calls / 5);
}

TEST_F(Change, WithoutMemoryTheNewTableCounts) {  // LBG-01: soft state may be lost
  const std::vector<uint16_t> before = start_calls();
  change([](proxy::View& view) { view.backends[1].state = proxy::OperatorState::drain; });
  transactions = {};
  for (int i = 0; i < calls; ++i) {
    const uint16_t now = backend_of(call(i));
    if (before[i] == 1) {
      EXPECT_NE(now, 1);
    } else {
      EXPECT_EQ(now, before[i]);
    }
  }
}

}  // namespace
}  // namespace viaduct::test
