// What a load balancer adds (LBG), as far as one decision shows it; IPv6, loops and other RFCs (IP6, LOP, MIS); who may
// send what from where (SEC).
#include "support/proxy_bed.h"

namespace viaduct::test {
namespace {

class Balance : public ::testing::Test {
 protected:
  Outcome from_alice(const std::string& message) const { return bed.from_alice(message); }
  Bed bed;
};

TEST_F(Balance, OnlyTheCallsOfALostBackendMove) {  // LBG-02
  std::vector<uint16_t> before;
  const auto backend_of = [&](int call) {
    return from_alice(m0.with("Call-ID", "call-" + std::to_string(call))).decision.backend;
  };
  for (int call = 0; call < 3000; ++call) before.push_back(backend_of(call));
  bed.view.backends[1].healthy = false;
  bed.finish();
  std::array<int, 3> moved{};
  for (int call = 0; call < 3000; ++call) {
    const uint16_t now = backend_of(call);
    EXPECT_NE(now, 1);
    if (before[static_cast<size_t>(call)] != 1) {
      EXPECT_EQ(now, before[static_cast<size_t>(call)]);
    } else {
      ++moved[now];
    }
  }
  EXPECT_GT(moved[0], 300) << "and those go to all that are left";
  EXPECT_GT(moved[2], 300);
  bed.view.backends[1].healthy = true;
  bed.finish();
  for (int call = 0; call < 3000; ++call) EXPECT_EQ(backend_of(call), before[static_cast<size_t>(call)]);
}

TEST_F(Balance, AfterAFailoverCancelAndAckReachTheNewBackendOnly) {  // LBG-07, LBG-08: the half about a dead backend
  const Outcome first = from_alice(m0);
  bed.view.backends[first.decision.backend].healthy = false;
  bed.finish();
  const Outcome second = from_alice(m0);
  ASSERT_TRUE(second.forwarded());
  EXPECT_NE(second.decision.destination, first.decision.destination);
  for (const SipText& message : {cancel_of(m0), ack_of(m0, "x")}) {
    const Outcome outcome = from_alice(message);
    EXPECT_TRUE(outcome.forwarded());
    EXPECT_EQ(outcome.decision.destination, second.decision.destination) << "the new choice alone";
    EXPECT_EQ(outcome.via(), second.via()) << "as the transaction that it has there";
  }
}

TEST_F(Balance, AllDownAndAnswersStillPass) {  // LBG-10, LOC-16
  const Outcome sent = from_alice(m0);
  for (proxy::Backend& backend : bed.view.backends) backend.state = proxy::OperatorState::down;
  bed.finish();
  EXPECT_EQ(from_alice(m0).verdict(), "reply 503");
  EXPECT_EQ(from_alice(ack_of(m0, "x")).verdict(), "drop ack_refused");
  EXPECT_EQ(from_alice(cancel_of(m0)).verdict(), "drop cancel_refused");
  EXPECT_EQ(bed.send(reply_to(sent.message, "200 OK", "late"), b2, inside).verdict(), "forward");
}

TEST_F(Balance, BackendsRequestsAreNeverBalanced) {  // LBG-12, LBG-13, SEC-22, SEC-23
  const SipText call = m0.with_uri("sip:bob@203.0.113.50");
  for (const char* method : {"INVITE", "BYE", "UPDATE", "INFO", "PRACK", "NOTIFY"}) {
    const Outcome outcome = bed.from_backend(call.with_method(method), b1);
    EXPECT_EQ(outcome.decision.destination, bob) << method;
    EXPECT_EQ(outcome.decision.socket, outside);
    EXPECT_FALSE(outcome.decision.by_hash);
  }
  EXPECT_EQ(bed.send(call, mallory).verdict(), "reply 403");
  EXPECT_EQ(bed.send(call, at("10.0.1.2:33333"), inside).decision.destination, bob) << "any port of a backend's host";
  EXPECT_EQ(bed.send(call, at("10.0.9.9:5060"), inside).verdict(), "drop request_source_refused");
  EXPECT_EQ(bed.send(call, at("10.0.1.2:5060"), outside).verdict(), "drop source_invalid")
      << "SEC-04: a backend's address outside";
  const Bed one(Bed::Homes::one);
  EXPECT_EQ(one.send(call, b1, outside).decision.destination, bob);
  EXPECT_EQ(one.send(call, at("10.0.1.2:33333"), outside).verdict(), "reply 403") << "in one network, address and port";
}

TEST_F(Balance, BackendToBackendStaysInside) {  // LBG-13
  const Outcome outcome = bed.from_backend(m0.with_uri("sip:x@10.0.1.2"), b0);
  EXPECT_EQ(outcome.decision.destination, b1);
  EXPECT_EQ(outcome.decision.socket, inside);
  EXPECT_EQ(outcome.message.values("Record-Route").size(), 0u) << "the inside listener does not ask for it";
  EXPECT_EQ(bed.send(reply_to(outcome.message, "200 OK"), b1, inside).decision.destination, b0);
}

TEST_F(Balance, EveryNodeCanTakeEveryPacket) {  // LBG-16, LBG-17, RSP-02
  Bed other;
  other.view = Bed::build(Bed::Homes::two);
  const Outcome invite = bed.from_alice(m0);
  const auto own = invite.message.values("Record-Route");
  EXPECT_EQ(other.send(reply_to(invite.message, "200 OK", "b"), b2, inside).decision.destination, alice);
  const SipText ack = ack_of(m0, "b")
                          .with("Via", "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKack")
                          .with_uri("sip:bob@203.0.113.50")
                          .with_line_at(2, "Route: " + own[1] + "," + own[0] + ",<sip:10.0.1.3;lr>");
  EXPECT_EQ(other.from_alice(ack).decision.destination, b2);
  EXPECT_EQ(other.from_alice(ack.with_method("BYE")).decision.destination, b2)
      << "RRT-03: what we recorded names no node";
  Bed stranger;
  stranger.view.keys = proxy::derive_keys({99});
  stranger.finish();
  EXPECT_EQ(stranger.send(reply_to(invite.message, "200 OK", "b"), b2, inside).verdict(), "drop via_mac_bad")
      << "another secret is another cluster";
}

TEST_F(Balance, AffinityIsByCall) {
  static sip::Message message;
  const std::string invite = m0.str(), answer = reply_to(m0, "200 OK", "x").str(),
                    another = m0.with("Call-ID", "b").str();
  const auto hash = [&](const std::string& text) {
    sip::parse(text, message);
    return proxy::affinity_hash(message.text(message.call_id), bed.view);
  };
  EXPECT_EQ(hash(answer), hash(invite));
  EXPECT_NE(hash(another), hash(invite));
}

TEST_F(Balance, IPv6NeedsBracketsAndGetsThem) {  // IP6-01
  EXPECT_EQ(from_alice(m0.with_uri("sip:2001:db8::10")).verdict(), "reply 400");
  EXPECT_EQ(from_alice(m0.with("Via", "SIP/2.0/UDP 2001:db8::9:1;branch=z9hG4bKa")).verdict(), "reply 400");
  const SipText request = m0.with("Via", "SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKa");
  EXPECT_EQ(bed.send(request, alice6, outside6).verdict(), "forward");
}

TEST_F(Balance, ReceivedIsReadWithOrWithoutBracketsAndWrittenWithout) {  // IP6-02
  const SipText request = m0.with("Via", "SIP/2.0/UDP [2001:db8::9:2];received=[2001:db8::9:255];branch=z9hG4bKa")
                              .with_line_at(2, "Via: SIP/2.0/UDP [2001:db8::1];received=[2001:db8::9:255]");
  const Outcome outcome = bed.send(request, alice6, outside6);
  EXPECT_EQ(outcome.via(1), "SIP/2.0/UDP [2001:db8::9:2];received=2001:db8::9:1;branch=z9hG4bKa");
  EXPECT_EQ(outcome.via(2), "SIP/2.0/UDP [2001:db8::1];received=[2001:db8::9:255]");
  const SipText answer = reply_to(outcome.message, "200 OK");
  EXPECT_EQ(bed.send(answer, b2, inside).decision.destination, at("[2001:db8::9:1]:5060"));
  const SipText bracketed = SipText(replace_all(answer.str(), "received=2001:db8::9:1", "received=[2001:db8::9:1]"));
  EXPECT_EQ(bed.send(bracketed, b2, inside).decision.destination, at("[2001:db8::9:1]:5060"));
}

TEST_F(Balance, IPv6IsComparedInBinary) {  // IP6-03, TOR-60
  EXPECT_EQ(bed.send(m0.with("Via", "SIP/2.0/UDP [2001:DB8:0::0009:1]:5060;branch=z9hG4bKa"), alice6, outside6).via(1),
            "SIP/2.0/UDP [2001:DB8:0::0009:1]:5060;branch=z9hG4bKa")
      << "the source, spelled otherwise";
  EXPECT_EQ(from_alice(m0.with("Via", "SIP/2.0/UDP [::ffff:198.51.100.7]:5060;branch=z9hG4bKa")).via(1),
            "SIP/2.0/UDP [::ffff:198.51.100.7]:5060;branch=z9hG4bKa");
  EXPECT_EQ(from_alice(m0.with("Via", "SIP/2.0/UDP 198.51.100.7:19823;received=::ffff:198.51.100.7;branch=z9hG4bKa"))
                .verdict(),
            "forward");
}

TEST_F(Balance, ThreeColonsAreTolerated) {  // IP6-04
  const Outcome outcome = bed.send(
      m0.with_method("OPTIONS").with_uri("sip:user@[2001:db8:::192.0.2.1]").with_line_at(3, "Route: <sip:10.0.1.3;lr>"),
      alice6, outside6);
  EXPECT_EQ(outcome.verdict(), "forward");
  EXPECT_EQ(outcome.message.start(), "OPTIONS sip:user@[2001:db8:::192.0.2.1] SIP/2.0");
}

TEST_F(Balance, TwoFamiliesMakeTwoRecordRoutes) {  // IP6-06
  Bed one(Bed::Homes::one);
  for (size_t i = 0; i < 3; ++i) one.view.backends[i].address = at("[fd00::" + std::to_string(i + 1) + "]:5060");
  one.finish();
  const Outcome outcome = one.from_alice(m0);
  EXPECT_EQ(outcome.decision.socket, outside6);
  EXPECT_TRUE(outcome.via().starts_with("SIP/2.0/UDP [2001:db8::10]:5060;branch=")) << outcome.via();
  const auto own = outcome.message.values("Record-Route");
  ASSERT_EQ(own.size(), 2u);
  EXPECT_TRUE(own[0].starts_with("<sip:[2001:db8::10]:5060;lr;vd=")) << own[0];
  EXPECT_NE(own[1].find("@192.0.2.10:5060;lr;vd="), std::string::npos) << own[1];
  const net::Endpoint backend = outcome.decision.destination;
  const Outcome back = one.send(reply_to(outcome.message, "200 OK"), backend, outside6);
  EXPECT_EQ(back.decision.destination, alice);
  EXPECT_EQ(back.decision.socket, outside);
  const Outcome bye =
      one.send(m0.with_method("BYE").with_line_at(2, "Route: " + own[0] + ", " + own[1]).with("To", "<sip:b>;tag=b"),
               backend, outside6);
  EXPECT_EQ(bye.decision.destination, alice);
  EXPECT_EQ(bye.decision.socket, outside);
}

TEST_F(Balance, OwnViaBelowIsASpiralAndNoLoop) {  // LOP-01, LOP-02: detection is not offered, Max-Forwards bounds it
  const Outcome once = from_alice(m0);
  const SipText spiral = once.message.with_line_at(1, "Via: SIP/2.0/UDP 10.0.1.1;branch=z9hG4bKb0");
  const Outcome twice = bed.from_backend(spiral.with_uri("sip:bob@203.0.113.50"));
  EXPECT_EQ(twice.verdict(), "forward");
  EXPECT_EQ(twice.message.value("Max-Forwards"), "68");
}

TEST_F(Balance, OnePacketInAtMostOneOut) {  // LOP-03, LOP-04, TGT-02
  // `Decision` names one destination or none; what is left to show is that nothing loops inside.
  SipText request = m0;
  for (int i = 0; i < 60; ++i) request = request.with_line_at(2, "Route: <sip:192.0.2.10;lr>");
  EXPECT_EQ(from_alice(request).verdict(), "reply 482");
}

TEST_F(Balance, CompressionIsNotOffered) {  // MIS-01
  const SipText request = m0.with("Via", "SIP/2.0/UDP 198.51.100.7;comp=sigcomp;branch=z9hG4bKa");
  const Outcome outcome = from_alice(request);
  EXPECT_EQ(outcome.via().find("comp"), std::string::npos);
  for (const std::string& value : outcome.message.values("Record-Route"))
    EXPECT_EQ(value.find("comp"), std::string::npos);
  EXPECT_EQ(outcome.via(1), "SIP/2.0/UDP 198.51.100.7;comp=sigcomp;branch=z9hG4bKa");
  EXPECT_EQ(bed.send(reply_to(outcome.message, "200 OK"), b2, inside).verdict(), "forward");
}

TEST_F(Balance, NumbersHaveTheirRange) {  // SEC-12
  for (const char* via : {"198.51.100.7:65536", "198.51.100.7:0", "198.51.100.7:99999999999", "198.51.100.7:+5060",
                          "198.51.100.7;rport=65536", "198.51.100.7;rport=x"}) {
    SCOPED_TRACE(std::string("SEC-12 ") + via);
    const Outcome outcome = from_alice(m0.with("Via", std::string("SIP/2.0/UDP ") + via + ";branch=z9hG4bKa"));
    EXPECT_EQ(outcome.verdict(), "reply 400");
    EXPECT_EQ(outcome.decision.destination, alice) << "to the source: the Via cannot be trusted";
  }
  EXPECT_EQ(from_alice(m0.with_uri("sip:bob@example.com:65536")).verdict(), "reply 400");
}

TEST_F(Balance, LimitsAreAboveWhatOccurs) {  // SEC-11
  SipText many = m0;
  for (int i = 0; i < 99; ++i)
    many = many.with_line_at(2, "Via: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bK" + std::to_string(i));
  EXPECT_EQ(from_alice(many).verdict(), "forward");
  for (int i = 0; i < 100; ++i) many = many.with_line_at(2, "Via: SIP/2.0/UDP 10.9.9.9");
  EXPECT_EQ(from_alice(many).verdict(), "reply 400");
  const auto with_uri_of = [](size_t octets) {
    return m0.with_uri("sip:" + std::string(octets - 16, 'a') + "@example.com");
  };
  EXPECT_EQ(from_alice(with_uri_of(4096)).verdict(), "forward");
  EXPECT_EQ(from_alice(with_uri_of(4097)).verdict(), "reply 414");
  const auto with_octets = [](size_t octets) {
    const size_t head = m0.with("Content-Length", "60000").with_body("").str().size();
    return m0.with("Content-Length", std::to_string(octets - head)).with_body(std::string(octets - head, 'x'));
  };
  EXPECT_EQ(from_alice(with_octets(65000)).verdict(), "forward");
  EXPECT_EQ(from_alice(with_octets(65508)).verdict(), "reply 513");
  EXPECT_EQ(from_alice(m0.with("Call-ID", std::string(1024, 'a'))).verdict(), "forward");
  EXPECT_EQ(from_alice(m0.with("Via", "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK" + std::string(512, 'a'))).verdict(),
            "forward");
  SipText rows = m0;
  for (int i = 0; i < 128; ++i) rows = rows.with_last_line("X-" + std::to_string(i) + ": y");
  EXPECT_EQ(from_alice(rows.with_last_line("X: " + std::string(8192, 'x'))).verdict(), "forward");
  SipText routes = m0;
  for (int i = 0; i < 32; ++i) routes = routes.with_line_at(2, "Route: <sip:10.0.1.3;lr>");
  EXPECT_EQ(from_alice(routes).verdict(), "forward");
}

TEST_F(Balance, LongKeysAreToldApartToo) {  // TXN-18: fields beyond the hash's buffer
  const std::string tail(700, 'a');
  const auto branch = [&](const std::string& end) {
    return from_alice(
               m0.with("Call-ID", tail + end).with("Via", "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK" + tail + end))
        .branch();
  };
  EXPECT_EQ(branch("x"), branch("x"));
  EXPECT_NE(branch("x"), branch("y"));
}

TEST_F(Balance, SmuggledMessagesReachNoBackend) {  // SEC-13
  const std::string m = m0.str();
  for (const std::string& message :
       {replace_all(m, "Content-Type:", "Content-Length : 5\r\nContent-Type:"),
        replace_all(m, "Contact:", "Contact\x01:"), replace_all(m, "Contact: ", "Contact: x\nFrom: evil\r\nX: "),
        replace_all(m, "Max-Forwards", std::string("Max\0-Forwards", 13)), replace_all(m, "Contact: <", "Contact <"),
        replace_all(m, "SIP/2.0\r\nVia", "SIP/2.0\r\n Via")}) {
    EXPECT_NE(from_alice(message).verdict(), "forward") << message;
  }
}

TEST_F(Balance, NoTrustIsAdded) {  // SEC-29
  const Outcome outcome = bed.send(m0.with_last_line("P-Asserted-Identity: <sip:boss@example.com>"), mallory);
  EXPECT_EQ(outcome.message.value("P-Asserted-Identity"), "<sip:boss@example.com>");
  EXPECT_EQ(param(outcome.via(1), "received"), "198.51.100.66") << "the source is there for all to see";
}

}  // namespace
}  // namespace viaduct::test
