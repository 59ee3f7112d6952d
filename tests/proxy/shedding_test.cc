// Shedding: what is refused, that copies share a fate, and that what is under way goes on.
#include "proxy/shedding.h"

#include <gtest/gtest.h>

#include "support/proxy_bed.h"

namespace viaduct::proxy {
namespace {

using test::alice;
using test::Bed;
using test::m0;
using test::Outcome;
using test::SipText;

class Shed : public ::testing::Test {
 protected:
  Outcome send(const std::string& message, const Arrival& at) const {
    return test::decide_and_apply(bed.view, message, at);
  }
  Outcome send(const std::string& message, const net::Endpoint& from = alice) const {
    return send(message, arrival(from));
  }
  Arrival arrival(const net::Endpoint& from = alice) const {
    Arrival at{.source = from, .socket = test::outside};
    at.shedding = &state;
    return at;
  }
  static SipText invite(int number) {
    const std::string text = std::to_string(number);
    return m0.with("Call-ID", "call" + text).with("Via", "SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bK" + text);
  }

  Bed bed;
  Shedding state{.percent = 50};
};

// LOC-15, OVL-05: the share, and one fate for all copies, whatever else differs between them.
TEST_F(Shed, HalfOfTheTransactionsAreRefusedAndEachForAllItsCopies) {
  int refused = 0;
  for (int i = 0; i < 400; ++i) {
    const Outcome first = send(invite(i));
    refused += first.replied() ? 1 : 0;
    ASSERT_EQ(first.verdict(), first.replied() ? "reply 503" : "forward");
    for (int copy = 0; copy < 6; ++copy) ASSERT_EQ(send(invite(i)).bytes, first.bytes);
    // A NAT that binds anew is no other transaction.
    ASSERT_EQ(send(invite(i), test::at("198.51.100.7:61234")).replied(), first.replied());
  }
  EXPECT_GT(refused, 160);
  EXPECT_LT(refused, 240);
}

// LOC-16, OVL-07
TEST_F(Shed, TheAnswerNamesNoTime) {
  state.percent = 100;
  const Outcome outcome = send(m0);
  EXPECT_EQ(outcome.verdict(), "reply 503");
  EXPECT_EQ(outcome.reason(), "shed");
  EXPECT_FALSE(outcome.message.has("Retry-After"));
  EXPECT_EQ(send(test::ack_of(m0, test::param(outcome.message.value("To"), "tag"))).verdict(),
            "absorb ack_to_own_reply");
}

// LOC-15, LBG-25
TEST_F(Shed, WhatIsUnderWayIsNeverRefused) {
  state.percent = 100;
  EXPECT_EQ(send(test::cancel_of(m0)).verdict(), "forward") << "its INVITE may have passed";
  EXPECT_EQ(send(test::ack_of(m0, "8321234356")).verdict(), "forward");
  const SipText in_dialog = m0.with("To", m0.value("To") + ";tag=8321234356");
  for (const char* method : {"INVITE", "BYE", "UPDATE", "INFO", "REFER", "NOTIFY"}) {
    EXPECT_EQ(send(in_dialog.with_method(method)).verdict(), "forward") << method;
  }
  EXPECT_EQ(send(m0.with_method("BYE")).verdict(), "forward") << "whatever its To";
  for (const char* method : {"INVITE", "REGISTER", "MESSAGE", "OPTIONS", "SUBSCRIBE"}) {
    EXPECT_EQ(send(m0.with_method(method)).verdict(), "reply 503") << method;
  }
}

TEST_F(Shed, BackendsCallOut) {  // LOC-15: their load is theirs
  state.percent = 100;
  const SipText out = m0.with_start("INVITE sip:bob@203.0.113.50:5060 SIP/2.0");
  Arrival at = arrival(test::b0);
  at.socket = test::inside;
  const Outcome outcome = send(out, at);
  EXPECT_EQ(outcome.verdict(), "forward");
}

// A higher share refuses what a lower one did, so whoever asks for more asks for the same and more.
TEST_F(Shed, AHigherShareRefusesMoreOfTheSame) {
  for (int i = 0; i < 200; ++i) {
    bool refused = false;
    for (const uint32_t percent : {0U, 1U, 10U, 20U, 60U, 99U, 100U}) {
      state.percent = percent;
      const bool now = send(invite(i)).replied();
      EXPECT_TRUE(now || !refused) << percent;
      refused = now;
    }
    EXPECT_TRUE(refused);
  }
  EXPECT_FALSE(is_shed(0, 0));
  EXPECT_TRUE(is_shed(65535, 100));
}

TEST_F(Shed, TheOperatorsShareNeedsNoLoad) {
  bed.view.policy.shed_percent = 100;
  EXPECT_EQ(bed.from_alice(m0).verdict(), "reply 503");
  EXPECT_EQ(bed.from_alice(test::cancel_of(m0)).verdict(), "forward");
}

// RFC 7339 section 5.10.1: some requests count more than others.
TEST_F(Shed, ARuleThatAcceptsLetsThrough) {
  state.percent = 100;
  policy::Ruling accepted;
  accepted.rule = 3;
  Arrival at = arrival();
  at.ruling = &accepted;
  EXPECT_EQ(send(m0, at).verdict(), "forward");
}

// RFC 3261 section 16.11: a limit counts copies, and gives none of them another answer than the first one gets.
TEST_F(Shed, ALimitAnswersNoCopyOfWhatWasForwarded) {
  Transactions transactions;
  Arrival at = arrival();
  at.shedding = nullptr;
  at.transactions = &transactions;
  const SipText first = invite(1);
  const Outcome sent = send(first, at);
  ASSERT_EQ(sent.verdict(), "forward");
  transactions.remember(sent.decision.transaction);
  policy::Ruling over;
  over.limit = 0;
  over.action = policy::Ruling::Action::reply;
  over.reason = telemetry::Reason::limit_replied;
  over.status = 503;
  over.phrase = "Service Unavailable";
  at.ruling = &over;
  EXPECT_EQ(send(first, at).verdict(), "drop limited");
  EXPECT_EQ(send(invite(2), at).verdict(), "reply 503");
  EXPECT_EQ(send(invite(2).with_uri("sips:bob@example.com"), at).verdict(), "reply 503") << "and nothing else is said";
  over.limit = policy::none;
  EXPECT_EQ(send(first, at).verdict(), "reply 503") << "a rule refuses each copy alike";
}

// LOC-15: a share that rises in the middle of a transaction does not split it, where the worker remembers.
TEST_F(Shed, WhatWasForwardedIsForwardedAgain) {
  Transactions transactions;
  Arrival at = arrival();
  at.transactions = &transactions;
  state.percent = 0;
  const Outcome first = send(m0, at);
  ASSERT_EQ(first.verdict(), "forward");
  transactions.remember(first.decision.transaction);
  state.percent = 100;
  EXPECT_EQ(send(m0, at).bytes, first.bytes);
  EXPECT_EQ(send(invite(1), at).verdict(), "reply 503");
}

// OVL-03, OVL-05: nobody else gets what a backend does not want.
TEST_F(Shed, ABackendThatWantsLessGetsLess) {
  state.percent = 0;
  bed.view.pools[0].feedback = true;
  bed.finish();
  Feedback feedback(bed.view);
  state.feedback = &feedback;
  state.now_ms = 1000;
  ASSERT_TRUE(feedback.take(1, {.percent = 20, .validity_ms = 500, .sequence = 5}, 1000));
  int at_b1 = 0, refused = 0;
  for (int i = 0; i < 900; ++i) {
    state.now_ms = 1000;
    const Outcome now = send(invite(i));
    state.now_ms = 1500;
    const Outcome later = send(invite(i));
    ASSERT_EQ(later.verdict(), "forward") << "OVL-03: it has expired";
    if (later.decision.backend != 1) {
      ASSERT_EQ(now.verdict(), "forward");
      continue;
    }
    ++at_b1;
    refused += now.replied() ? 1 : 0;
    if (now.replied()) {
      EXPECT_EQ(now.reason(), "shed_for_backend");
    } else {
      EXPECT_EQ(now.decision.backend, 1);
    }
  }
  EXPECT_GT(refused, at_b1 / 10);
  EXPECT_LT(refused, at_b1 * 3 / 10);
}

}  // namespace
}  // namespace viaduct::proxy
