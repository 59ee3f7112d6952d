// The wire flows of the rule book, message in and message out. Lines with `+` and `-` are the only ones that change.
// `{B1}` is what only we can compute, a branch, a MAC, a token or a cookie: the same wherever the same name stands.
#include "support/proxy_bed.h"

namespace viaduct::test {
namespace {

class Flow : public ::testing::Test {
 protected:
  // Sends `message` and holds the difference between it and what leaves against `expected`.
  Outcome expect_change(const SipText& message, const net::Endpoint& source, uint16_t socket,
                        const net::Endpoint& destination, uint16_t egress, std::string_view expected) {
    const Outcome outcome = bed.send(message, source, socket);
    EXPECT_EQ(outcome.verdict(), "forward");
    EXPECT_EQ(net::to_string(outcome.decision.destination), net::to_string(destination));
    EXPECT_EQ(outcome.decision.socket, egress);
    expect_lines(diff(message.lines(), outcome.message.lines()), expected);
    EXPECT_EQ(outcome.message.body(), message.body());
    return outcome;
  }
  void expect_lines(const std::vector<std::string>& lines, std::string_view expected) {
    if (expected.starts_with('\n')) expected.remove_prefix(1);
    size_t i = 0;
    while (!expected.empty()) {
      const std::string_view pattern = expected.substr(0, expected.find('\n'));
      expected.remove_prefix(std::min(pattern.size() + 1, expected.size()));
      ASSERT_LT(i, lines.size()) << "missing: " << pattern;
      EXPECT_TRUE(placeholders.match(pattern, lines[i]))
          << "expected: " << placeholders.fill(std::string(pattern)) << "\n  leaves: " << lines[i];
      ++i;
    }
    EXPECT_EQ(i, lines.size()) << "a line too many: " << (i < lines.size() ? lines[i] : "");
  }
  SipText message(std::string_view text) const { return {sip_text(placeholders.fill(std::string(text)))}; }

  // W.1, which most others follow.
  Outcome invite() {
    return expect_change(m0, alice, outside, b2, inside, R"(
  INVITE sip:bob@example.com SIP/2.0
+ Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{B1};vd={V1}
- Via: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bK776asdhds
+ Via: SIP/2.0/UDP 198.51.100.7:5060;rport=5060;branch=z9hG4bK776asdhds;received=198.51.100.7
+ Record-Route: <sip:10.0.0.1:5060;lr;vd={cookie}>
+ Record-Route: <sip:{alices_flow}@192.0.2.10:5060;lr;vd={cookie}>
- Max-Forwards: 70
+ Max-Forwards: 69
  To: Bob <sip:bob@example.com>
  From: Alice <sip:alice@example.com>;tag=1928301774
  Call-ID: a84b4c76e66710@198.51.100.7
  CSeq: 314159 INVITE
  Contact: <sip:alice@198.51.100.7:5060>
  Content-Type: application/sdp
  Content-Length: 116
)");
  }

  Bed bed;
  Placeholders placeholders;
};

TEST_F(Flow, AnInviteFromOutsideGoesToABackend) {  // W.1
  const Outcome outcome = invite();
  EXPECT_EQ(outcome.decision.backend, 2);
  EXPECT_TRUE(outcome.decision.by_hash);
}

TEST_F(Flow, ResponsesLoseOurViaAndGoBack) {  // W.2
  const SipText sent = invite().message;
  expect_change(reply_to(sent, "100 Trying"), b2, inside, alice, outside, R"(
  SIP/2.0 100 Trying
- Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{B1};vd={V1}
  Via: SIP/2.0/UDP 198.51.100.7:5060;rport=5060;branch=z9hG4bK776asdhds;received=198.51.100.7
  From: Alice <sip:alice@example.com>;tag=1928301774
  To: Bob <sip:bob@example.com>
  Call-ID: a84b4c76e66710@198.51.100.7
  CSeq: 314159 INVITE
  Content-Length: 0
)");
  const SipText ok = reply_to(sent, "200 OK", "a6c85cf", true).with_line_at(3, "Record-Route: <sip:10.0.1.3:5060;lr>");
  const Outcome outcome = expect_change(ok, b2, inside, alice, outside, R"(
  SIP/2.0 200 OK
- Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{B1};vd={V1}
  Via: SIP/2.0/UDP 198.51.100.7:5060;rport=5060;branch=z9hG4bK776asdhds;received=198.51.100.7
  Record-Route: <sip:10.0.1.3:5060;lr>
  Record-Route: <sip:10.0.0.1:5060;lr;vd={cookie}>
  Record-Route: <sip:{alices_flow}@192.0.2.10:5060;lr;vd={cookie}>
  From: Alice <sip:alice@example.com>;tag=1928301774
  To: Bob <sip:bob@example.com>;tag=a6c85cf
  Call-ID: a84b4c76e66710@198.51.100.7
  CSeq: 314159 INVITE
  Content-Length: 0
)");
  EXPECT_EQ(outcome.decision.backend, 2) << "the backend that answered";
}

TEST_F(Flow, TheAckForA2xxFollowsItsRoute) {  // W.3
  invite();
  expect_change(message(R"(
ACK sip:bob@203.0.113.50:5060 SIP/2.0
Via: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bKnashds9
Max-Forwards: 70
Route: <sip:{alices_flow}@192.0.2.10:5060;lr;vd={cookie}>
Route: <sip:10.0.0.1:5060;lr;vd={cookie}>
Route: <sip:10.0.1.3:5060;lr>
To: Bob <sip:bob@example.com>;tag=a6c85cf
From: Alice <sip:alice@example.com>;tag=1928301774
Call-ID: a84b4c76e66710@198.51.100.7
CSeq: 314159 ACK
Content-Length: 0

)"),
                alice, outside, b2, inside, R"(
  ACK sip:bob@203.0.113.50:5060 SIP/2.0
+ Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{B3};vd={V3}
- Via: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bKnashds9
+ Via: SIP/2.0/UDP 198.51.100.7:5060;rport=5060;branch=z9hG4bKnashds9;received=198.51.100.7
- Max-Forwards: 70
+ Max-Forwards: 69
- Route: <sip:{alices_flow}@192.0.2.10:5060;lr;vd={cookie}>
- Route: <sip:10.0.0.1:5060;lr;vd={cookie}>
  Route: <sip:10.0.1.3:5060;lr>
  To: Bob <sip:bob@example.com>;tag=a6c85cf
  From: Alice <sip:alice@example.com>;tag=1928301774
  Call-ID: a84b4c76e66710@198.51.100.7
  CSeq: 314159 ACK
  Content-Length: 0
)");
  EXPECT_NE(placeholders["B3"], placeholders["B1"]) << "TXN-07: a transaction of its own";
}

TEST_F(Flow, TheCallersByeFollowsItsRoute) {  // W.4
  invite();
  const Outcome bye = expect_change(message(R"(
BYE sip:bob@203.0.113.50:5060 SIP/2.0
Via: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bKbye1
Max-Forwards: 70
Route: <sip:{alices_flow}@192.0.2.10:5060;lr;vd={cookie}>
Route: <sip:10.0.0.1:5060;lr;vd={cookie}>
Route: <sip:10.0.1.3:5060;lr>
To: Bob <sip:bob@example.com>;tag=a6c85cf
From: Alice <sip:alice@example.com>;tag=1928301774
Call-ID: a84b4c76e66710@198.51.100.7
CSeq: 314160 BYE
Content-Length: 0

)"),
                                    alice, outside, b2, inside, R"(
  BYE sip:bob@203.0.113.50:5060 SIP/2.0
+ Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{B4};vd={V4}
- Via: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bKbye1
+ Via: SIP/2.0/UDP 198.51.100.7:5060;rport=5060;branch=z9hG4bKbye1;received=198.51.100.7
- Max-Forwards: 70
+ Max-Forwards: 69
- Route: <sip:{alices_flow}@192.0.2.10:5060;lr;vd={cookie}>
- Route: <sip:10.0.0.1:5060;lr;vd={cookie}>
  Route: <sip:10.0.1.3:5060;lr>
  To: Bob <sip:bob@example.com>;tag=a6c85cf
  From: Alice <sip:alice@example.com>;tag=1928301774
  Call-ID: a84b4c76e66710@198.51.100.7
  CSeq: 314160 BYE
  Content-Length: 0
)");
  expect_change(reply_to(bye.message, "200 OK"), b2, inside, alice, outside, R"(
  SIP/2.0 200 OK
- Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{B4};vd={V4}
  Via: SIP/2.0/UDP 198.51.100.7:5060;rport=5060;branch=z9hG4bKbye1;received=198.51.100.7
  From: Alice <sip:alice@example.com>;tag=1928301774
  To: Bob <sip:bob@example.com>;tag=a6c85cf
  Call-ID: a84b4c76e66710@198.51.100.7
  CSeq: 314160 BYE
  Content-Length: 0
)");
}

TEST_F(Flow, TheCalleesByeGoesOverTheCallersFlow) {  // W.5
  invite();
  const Outcome bye = expect_change(message(R"(
BYE sip:alice@198.51.100.7:5060 SIP/2.0
Via: SIP/2.0/UDP 10.0.1.3:5060;branch=z9hG4bK4d2e.5b1.0
Via: SIP/2.0/UDP 203.0.113.50:5060;received=203.0.113.50;branch=z9hG4bKbobbye
Max-Forwards: 69
Route: <sip:10.0.0.1:5060;lr;vd={cookie}>
Route: <sip:{alices_flow}@192.0.2.10:5060;lr;vd={cookie}>
To: Alice <sip:alice@example.com>;tag=1928301774
From: Bob <sip:bob@example.com>;tag=a6c85cf
Call-ID: a84b4c76e66710@198.51.100.7
CSeq: 231 BYE
Content-Length: 0

)"),
                                    b2, inside, alice, outside, R"(
  BYE sip:alice@198.51.100.7:5060 SIP/2.0
+ Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK{B5};vd={V5}
  Via: SIP/2.0/UDP 10.0.1.3:5060;branch=z9hG4bK4d2e.5b1.0
  Via: SIP/2.0/UDP 203.0.113.50:5060;received=203.0.113.50;branch=z9hG4bKbobbye
- Max-Forwards: 69
+ Max-Forwards: 68
- Route: <sip:10.0.0.1:5060;lr;vd={cookie}>
- Route: <sip:{alices_flow}@192.0.2.10:5060;lr;vd={cookie}>
  To: Alice <sip:alice@example.com>;tag=1928301774
  From: Bob <sip:bob@example.com>;tag=a6c85cf
  Call-ID: a84b4c76e66710@198.51.100.7
  CSeq: 231 BYE
  Content-Length: 0
)");
  expect_change(reply_to(bye.message, "200 OK"), alice, outside, b2, inside, R"(
  SIP/2.0 200 OK
- Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK{B5};vd={V5}
  Via: SIP/2.0/UDP 10.0.1.3:5060;branch=z9hG4bK4d2e.5b1.0
  Via: SIP/2.0/UDP 203.0.113.50:5060;received=203.0.113.50;branch=z9hG4bKbobbye
  From: Bob <sip:bob@example.com>;tag=a6c85cf
  To: Alice <sip:alice@example.com>;tag=1928301774
  Call-ID: a84b4c76e66710@198.51.100.7
  CSeq: 231 BYE
  Content-Length: 0
)");
}

TEST_F(Flow, ACancelHasTheViaOfItsInvite) {  // W.6
  const Outcome sent = invite();
  const Outcome cancel = expect_change(cancel_of(m0), alice, outside, b2, inside, R"(
  CANCEL sip:bob@example.com SIP/2.0
+ Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{B1};vd={V1}
- Via: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bK776asdhds
+ Via: SIP/2.0/UDP 198.51.100.7:5060;rport=5060;branch=z9hG4bK776asdhds;received=198.51.100.7
- Max-Forwards: 70
+ Max-Forwards: 69
  To: Bob <sip:bob@example.com>
  From: Alice <sip:alice@example.com>;tag=1928301774
  Call-ID: a84b4c76e66710@198.51.100.7
  CSeq: 314159 CANCEL
  Content-Length: 0
)");
  expect_change(reply_to(cancel.message, "200 OK", "b2cancel"), b2, inside, alice, outside, R"(
  SIP/2.0 200 OK
- Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{B1};vd={V1}
  Via: SIP/2.0/UDP 198.51.100.7:5060;rport=5060;branch=z9hG4bK776asdhds;received=198.51.100.7
  From: Alice <sip:alice@example.com>;tag=1928301774
  To: Bob <sip:bob@example.com>;tag=b2cancel
  Call-ID: a84b4c76e66710@198.51.100.7
  CSeq: 314159 CANCEL
  Content-Length: 0
)");
  expect_change(reply_to(sent.message, "487 Request Terminated", "b2cancel"), b2, inside, alice, outside, R"(
  SIP/2.0 487 Request Terminated
- Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{B1};vd={V1}
  Via: SIP/2.0/UDP 198.51.100.7:5060;rport=5060;branch=z9hG4bK776asdhds;received=198.51.100.7
  From: Alice <sip:alice@example.com>;tag=1928301774
  To: Bob <sip:bob@example.com>;tag=b2cancel
  Call-ID: a84b4c76e66710@198.51.100.7
  CSeq: 314159 INVITE
  Content-Length: 0
)");
}

TEST_F(Flow, TheAckForANon2xxHasTheViaOfItsInvite) {  // W.7
  invite();
  expect_change(ack_of(m0, "b2cancel"), alice, outside, b2, inside, R"(
  ACK sip:bob@example.com SIP/2.0
+ Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{B1};vd={V1}
- Via: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bK776asdhds
+ Via: SIP/2.0/UDP 198.51.100.7:5060;rport=5060;branch=z9hG4bK776asdhds;received=198.51.100.7
- Max-Forwards: 70
+ Max-Forwards: 69
  To: Bob <sip:bob@example.com>;tag=b2cancel
  From: Alice <sip:alice@example.com>;tag=1928301774
  Call-ID: a84b4c76e66710@198.51.100.7
  CSeq: 314159 ACK
  Content-Length: 0
)");
}

TEST_F(Flow, OurOwnAnswerAndItsAckEndHere) {  // W.8
  const Outcome answer = bed.from_alice(m0.with("Max-Forwards", "0"));
  EXPECT_EQ(answer.verdict(), "reply 483");
  EXPECT_EQ(answer.decision.destination, alice);
  EXPECT_EQ(answer.decision.socket, outside);
  expect_lines(answer.message.lines(), R"(
SIP/2.0 483 Too Many Hops
Via: SIP/2.0/UDP 198.51.100.7:5060;rport=5060;branch=z9hG4bK776asdhds;received=198.51.100.7
From: Alice <sip:alice@example.com>;tag=1928301774
To: Bob <sip:bob@example.com>;tag=vd{tag}
Call-ID: a84b4c76e66710@198.51.100.7
CSeq: 314159 INVITE
Content-Length: 0
)");
  EXPECT_EQ(placeholders["tag"].size(), 16u);
  const Outcome ack = bed.from_alice(ack_of(m0, "vd" + placeholders["tag"]));
  EXPECT_EQ(ack.verdict(), "absorb ack_to_own_reply");
}

// W.9 and W.10 without `ob` (decision D-14).
TEST_F(Flow, ARegistrationFromBehindANatIsReachedOverItsFlow) {  // W.9, W.10
  bed.listener().path = proxy::PathMode::auto_;
  const SipText registration = message(R"(
REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/UDP 192.168.1.7:5060;rport;branch=z9hG4bKnadia1
Max-Forwards: 70
To: <sip:nadia@example.com>
From: <sip:nadia@example.com>;tag=n1
Call-ID: nadia-reg-1@192.168.1.7
CSeq: 1 REGISTER
Contact: <sip:nadia@192.168.1.7:5060>;reg-id=1;+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"
Supported: path, outbound
Content-Length: 0

)");
  expect_change(registration, nadia, outside, b2, inside, R"(
  REGISTER sip:example.com SIP/2.0
+ Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{B9};vd={V9}
- Via: SIP/2.0/UDP 192.168.1.7:5060;rport;branch=z9hG4bKnadia1
+ Via: SIP/2.0/UDP 192.168.1.7:5060;rport=40112;branch=z9hG4bKnadia1;received=203.0.113.9
+ Path: <sip:10.0.0.1:5060;lr>
+ Path: <sip:{nadias_flow}@192.0.2.10:5060;lr>
- Max-Forwards: 70
+ Max-Forwards: 69
  To: <sip:nadia@example.com>
  From: <sip:nadia@example.com>;tag=n1
  Call-ID: nadia-reg-1@192.168.1.7
  CSeq: 1 REGISTER
  Contact: <sip:nadia@192.168.1.7:5060>;reg-id=1;+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"
  Supported: path, outbound
  Content-Length: 0
)");

  const Outcome call = expect_change(message(R"(
INVITE sip:nadia@192.168.1.7:5060 SIP/2.0
Via: SIP/2.0/UDP 10.0.1.1:5060;branch=z9hG4bKb0-77.1
Via: SIP/2.0/UDP 203.0.113.50:5060;received=203.0.113.50;branch=z9hG4bKbob77
Max-Forwards: 68
Route: <sip:10.0.0.1:5060;lr>
Route: <sip:{nadias_flow}@192.0.2.10:5060;lr>
To: <sip:nadia@example.com>
From: Bob <sip:bob@example.com>;tag=bb1
Call-ID: bob-77@203.0.113.50
CSeq: 1 INVITE
Contact: <sip:bob@203.0.113.50:5060>
Content-Length: 0

)"),
                                     b0, inside, nadia, outside, R"(
  INVITE sip:nadia@192.168.1.7:5060 SIP/2.0
+ Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK{B10};vd={V10}
  Via: SIP/2.0/UDP 10.0.1.1:5060;branch=z9hG4bKb0-77.1
  Via: SIP/2.0/UDP 203.0.113.50:5060;received=203.0.113.50;branch=z9hG4bKbob77
+ Record-Route: <sip:{nadias_flow}@192.0.2.10:5060;lr;vd={nadias_cookie}>
+ Record-Route: <sip:10.0.0.1:5060;lr;vd={nadias_cookie}>
- Max-Forwards: 68
+ Max-Forwards: 67
- Route: <sip:10.0.0.1:5060;lr>
- Route: <sip:{nadias_flow}@192.0.2.10:5060;lr>
  To: <sip:nadia@example.com>
  From: Bob <sip:bob@example.com>;tag=bb1
  Call-ID: bob-77@203.0.113.50
  CSeq: 1 INVITE
  Contact: <sip:bob@203.0.113.50:5060>
  Content-Length: 0
)");
  expect_change(reply_to(call.message, "180 Ringing", "nd9", true), nadia, outside, b0, inside, R"(
  SIP/2.0 180 Ringing
- Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK{B10};vd={V10}
  Via: SIP/2.0/UDP 10.0.1.1:5060;branch=z9hG4bKb0-77.1
  Via: SIP/2.0/UDP 203.0.113.50:5060;received=203.0.113.50;branch=z9hG4bKbob77
  Record-Route: <sip:{nadias_flow}@192.0.2.10:5060;lr;vd={nadias_cookie}>
  Record-Route: <sip:10.0.0.1:5060;lr;vd={nadias_cookie}>
  From: Bob <sip:bob@example.com>;tag=bb1
  To: <sip:nadia@example.com>;tag=nd9
  Call-ID: bob-77@203.0.113.50
  CSeq: 1 INVITE
  Content-Length: 0
)");
}

}  // namespace
}  // namespace viaduct::test
