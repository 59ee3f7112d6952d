// Forwarding transforms (FWD), received and rport (TRQ).
#include "support/proxy_bed.h"

namespace viaduct::test {
namespace {

class Forwarding : public ::testing::Test {
 protected:
  Outcome from_alice(const std::string& message) const { return bed.from_alice(message); }
  Bed bed;
};

TEST_F(Forwarding, EverythingElseStaysAsItWas) {  // FWD-01, FWD-07, NAT-13
  const SipText request = m0.with_last_line("Subject:   a  b ")
                              .with_last_line("X-Folded: one\r\n two")
                              .with_last_line("Supported:")
                              .with_last_line("Contact: <sip:nadia@192.168.1.7:5060>")
                              .with_last_line("Authorization: Digest x=\"y\"");
  const Outcome outcome = bed.send(request, nadia);
  std::string expected = request.str();
  expected.replace(
      expected.find("Via: "),
      std::string("Via: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bK776asdhds\r\n").size(),
      "Via: " + outcome.via(0) +
          "\r\nVia: SIP/2.0/UDP 198.51.100.7:5060;rport=40112;branch=z9hG4bK776asdhds;received=203.0.113.9\r\n"
          "Record-Route: " +
          outcome.message.values("Record-Route")[0] + "\r\nRecord-Route: " + outcome.message.values("Record-Route")[1] +
          "\r\n");
  expected = replace_all(expected, "Max-Forwards: 70", "Max-Forwards: 69");
  EXPECT_EQ(outcome.bytes, expected);
}

TEST_F(Forwarding, MaxForwardsIsOneLess) {  // FWD-03
  for (const auto& [before, after] :
       {std::pair("70", "69"), std::pair("1", "0"), std::pair("255", "254"), std::pair("10", "9")}) {
    EXPECT_EQ(from_alice(m0.with("Max-Forwards", before)).message.value("Max-Forwards"), after);
  }
  const Outcome added = from_alice(m0.without("Max-Forwards"));
  EXPECT_EQ(added.message.values("Max-Forwards"), std::vector<std::string>{"70"});
}

TEST_F(Forwarding, MaxBreadthIsThereOnceAndCapped) {  // FWD-04, D-07
  bed.view.policy.max_breadth = 60;
  proxy::finish(bed.view);
  const Outcome added = from_alice(m0);
  EXPECT_EQ(added.message.values("Max-Breadth"), std::vector<std::string>{"60"});
  EXPECT_NE(added.bytes.find("Max-Forwards: 69\r\nMax-Breadth: 60\r\n"), std::string::npos);
  EXPECT_EQ(from_alice(m0.without("Max-Forwards")).message.value("Max-Breadth"), "60");
  EXPECT_EQ(from_alice(m0.with("Max-Breadth", "500")).message.values("Max-Breadth"), std::vector<std::string>{"60"});
  EXPECT_EQ(from_alice(m0.with("Max-Breadth", "99999999999")).message.value("Max-Breadth"), "60");
  EXPECT_EQ(from_alice(m0.with("Max-Breadth", "7")).message.value("Max-Breadth"), "7");
  EXPECT_EQ(from_alice(m0.with("Max-Breadth", "60")).message.value("Max-Breadth"), "60");
  EXPECT_FALSE(from_alice(cancel_of(m0)).message.has("Max-Breadth")) << "means nothing to a CANCEL";
  EXPECT_EQ(from_alice(m0.with("Max-Breadth", "x")).verdict(), "reply 400");
  bed.view.policy.max_breadth = 0;
  EXPECT_EQ(from_alice(m0.with("Max-Breadth", "500")).message.value("Max-Breadth"), "500") << "switched off";
  EXPECT_FALSE(from_alice(m0).message.has("Max-Breadth"));
}

TEST_F(Forwarding, OurViaIsOnTop) {  // FWD-05, FWD-06, NAT-15
  const Outcome inward = from_alice(m0);
  EXPECT_TRUE(inward.via().starts_with("SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK")) << inward.via();
  EXPECT_EQ(bed.view.sockets[inward.decision.socket].address, at("10.0.0.1:5060"));
  EXPECT_EQ(inward.via().find("rport"), std::string::npos);
  const Outcome outward = bed.from_backend(m0.with_uri("sip:bob@203.0.113.50"));
  EXPECT_TRUE(outward.via().starts_with("SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK")) << outward.via();
  EXPECT_EQ(bed.view.sockets[outward.decision.socket].address, at("192.0.2.10:5060"));
  const Outcome ours_first = from_alice(m0.with_line_at(1, "Route: <sip:192.0.2.10;lr>"));
  EXPECT_TRUE(ours_first.via().starts_with("SIP/2.0/UDP 10.0.0.1")) << "wherever the Via rows are";
}

TEST_F(Forwarding, SameInSameOut) {  // FWD-08, FWD-09, FWD-10, TXN-02, RRT-08, LBG-24
  const std::string first = from_alice(m0).bytes;
  for (int i = 0; i < 7; ++i) EXPECT_EQ(from_alice(m0).bytes, first);
  Bed restarted;
  restarted.view = Bed::build(Bed::Homes::two);
  EXPECT_EQ(restarted.from_alice(m0).bytes, first) << "after a restart, and on another node";
}

TEST_F(Forwarding, NothingProvisionalIsEverSaid) {  // FWD-11, LOC-04, MIS-02
  for (const char* method : {"INVITE", "REGISTER", "SUBSCRIBE", "MESSAGE"}) {
    const Outcome outcome = from_alice(m0.with_method(method));
    EXPECT_TRUE(outcome.forwarded()) << "the one datagram there is goes to the backend";
  }
}

TEST_F(Forwarding, WhatIsAddedIsSmall) {  // FWD-12: the growth that an operator must leave in the MTU
  const Outcome outcome = from_alice(m0);
  EXPECT_LE(outcome.bytes.size() - m0.str().size(), 278u) << "no more than the model in W.1";
  const Outcome one = Bed(Bed::Homes::one).from_alice(m0);
  EXPECT_LE(one.bytes.size() - m0.str().size(), 225u);
}

struct StampRow {
  const char* rule;
  const char* via;  // as received
  const char* source;
  const char* stamped;  // as it leaves
  const char* answer;   // where the answer goes
};

TEST_F(Forwarding, TheTopViaIsStamped) {
  const std::vector<StampRow> rows = {
      {"TRQ-01", "pc33.atlanta.example;branch=z9hG4bKa", "198.51.100.7:5060",
       "pc33.atlanta.example;branch=z9hG4bKa;received=198.51.100.7", "198.51.100.7:5060"},
      {"TRQ-02", "192.168.1.7;branch=z9hG4bKa", "203.0.113.9:40112", "192.168.1.7;branch=z9hG4bKa;received=203.0.113.9",
       "203.0.113.9:5060"},
      {"TRQ-03", "198.51.100.7:5060;branch=z9hG4bKa", "198.51.100.7:5060", "198.51.100.7:5060;branch=z9hG4bKa",
       "198.51.100.7:5060"},
      {"TRQ-04", "198.51.100.7:5060;rport;branch=z9hG4bKa", "198.51.100.7:5060",
       "198.51.100.7:5060;rport=5060;branch=z9hG4bKa;received=198.51.100.7", "198.51.100.7:5060"},
      {"TRQ-05", "198.51.100.7;rport=53;branch=z9hG4bKa", "198.51.100.7:5060",
       "198.51.100.7;rport=5060;branch=z9hG4bKa;received=198.51.100.7", "198.51.100.7:5060"},
      {"TRQ-06", "198.51.100.7;received=203.0.113.200;branch=z9hG4bKa", "198.51.100.7:5060",
       "198.51.100.7;received=198.51.100.7;branch=z9hG4bKa", "198.51.100.7:5060"},
      {"TRQ-06", "198.51.100.7;branch=z9hG4bKa;received=203.0.113.200;rport", "198.51.100.7:5061",
       "198.51.100.7;branch=z9hG4bKa;received=198.51.100.7;rport=5061", "198.51.100.7:5061"},
      {"TRQ-06", "198.51.100.7 ; rport ; received = 203.0.113.200 ; branch=z9hG4bKa", "198.51.100.7:5061",
       "198.51.100.7 ;rport=5061 ;received=198.51.100.7 ; branch=z9hG4bKa", "198.51.100.7:5061"},
      {"TRQ-07 LBG-15", "198.51.100.7;branch=z9hG4bKa", "198.51.100.7:52174", "198.51.100.7;branch=z9hG4bKa",
       "198.51.100.7:5060"},
      {"TRQ-09", "198.51.100.7:5070;branch=z9hG4bKa", "198.51.100.7:52174", "198.51.100.7:5070;branch=z9hG4bKa",
       "198.51.100.7:5070"},
  };
  for (const StampRow& row : rows) {
    SCOPED_TRACE(std::string(row.rule) + " " + row.via);
    const Outcome outcome = bed.send(m0.with("Via", std::string("SIP/2.0/UDP ") + row.via), at(row.source));
    EXPECT_EQ(outcome.via(1), std::string("SIP/2.0/UDP ") + row.stamped);
    const Outcome answer = bed.send(reply_to(outcome.message, "200 OK", "b"), b2, inside);
    EXPECT_EQ(answer.verdict(), "forward");
    EXPECT_EQ(answer.decision.destination, at(row.answer));
  }
}

TEST_F(Forwarding, RportCanBeForced) {  // TRQ-07
  bed.listener().force_rport = true;
  const Outcome outcome = bed.send(m0.with("Via", "SIP/2.0/UDP 192.168.1.7:5060;branch=z9hG4bKa"), nadia);
  EXPECT_EQ(outcome.via(1), "SIP/2.0/UDP 192.168.1.7:5060;branch=z9hG4bKa;rport=40112;received=203.0.113.9");
  EXPECT_EQ(bed.send(reply_to(outcome.message, "200 OK"), b2, inside).decision.destination, nadia);
}

TEST_F(Forwarding, AForeignTransportInTheViaIsAnsweredOverUdp) {  // TRQ-10
  const Outcome outcome = from_alice(m0.with("Via", "SIP/2.0/TCP host1.example.com;branch=z9hG4bKa"));
  EXPECT_EQ(outcome.via(1), "SIP/2.0/TCP host1.example.com;branch=z9hG4bKa;received=198.51.100.7");
  EXPECT_EQ(bed.send(reply_to(outcome.message, "200 OK"), b2, inside).decision.destination, alice);
  EXPECT_TRUE(outcome.decision.deviations.has(sip::Deviation::via_transport_mismatch));
}

TEST_F(Forwarding, ViaMaddrIsRefusedUnlessItIsTheSource) {  // TRQ-11, D-08, SEC-25
  const auto send = [&](const std::string& maddr) {
    return bed.send(m0.with("Via", "SIP/2.0/UDP 198.51.100.66;branch=z9hG4bKa;maddr=" + maddr), mallory);
  };
  const Outcome refused = send("203.0.113.200");
  EXPECT_EQ(refused.verdict(), "reply 403");
  EXPECT_EQ(refused.decision.destination, mallory) << "and he is told, not the victim";
  EXPECT_EQ(send("victim.example").verdict(), "reply 403");
  EXPECT_EQ(send("224.0.1.75").verdict(), "reply 403") << "TRQ-12";
  EXPECT_EQ(send("198.51.100.66").verdict(), "forward");
  const Outcome v6 = bed.send(m0.with("Via", "SIP/2.0/UDP [2001:db8::9];branch=z9hG4bKa;maddr=[2001:db8::9]"),
                              at("[2001:db8::9]:5060"), outside6);
  EXPECT_EQ(v6.verdict(), "forward") << "in brackets, as an IPv6 reference is written";
}

TEST_F(Forwarding, TtlBelowPasses) {  // TRQ-12, MIS-04, OVL-01
  const SipText request = m0.with_line_at(2, "Via: SIP/2.0/UDP 10.9.9.9;ttl=16;maddr=224.2.0.1;branch=z9hG4bKlow")
                              .with_line_at(3, "Via: SIP/2.0/WS ws.example;branch=z9hG4bKws")
                              .with_line_at(4, "Via: SIP/2.0/UDP 10.9.9.8;oc;oc-algo=\"loss\";branch=z9hG4bKoc");
  const auto before = request.values("Via");
  const auto after = from_alice(request).message.values("Via");
  EXPECT_EQ(std::vector(after.begin() + 2, after.end()), std::vector(before.begin() + 1, before.end()));
  EXPECT_EQ(from_alice(m0).via().find(";oc"), std::string::npos);
  // Alice offers feedback, and hears by the bare `oc` of the answer that nobody gives any; what a backend tells us goes
  // off with our Via.
  const Outcome offered = from_alice(m0.with("Via", "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKa;oc;oc-algo=\"loss\""));
  EXPECT_EQ(offered.via(1), "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKa;oc;oc-algo=\"loss\"");
  const SipText answer = reply_to(offered.message, "200 OK", "b");
  const SipText feedback =
      SipText(replace_all(answer.str(), offered.via(), offered.via() + ";oc=20;oc-validity=500;oc-seq=5"));
  EXPECT_EQ(bed.send(feedback, b2, inside).bytes, bed.send(answer, b2, inside).bytes);
  EXPECT_EQ(bed.send(answer, b2, inside).via(), offered.via(1));
}

TEST_F(Forwarding, SomeSourcesCannotBe) {  // TRQ-14, SEC-04
  for (const char* source :
       {"224.0.0.1:5060", "255.255.255.255:5060", "127.0.0.1:5060", "0.0.0.0:5060", "192.0.2.10:5060", "192.0.2.10:9",
        "10.0.0.1:5060", "[::1]:5060", "[ff02::1]:5060", "10.0.1.3:5060"}) {
    SCOPED_TRACE(std::string("TRQ-14 ") + source);
    EXPECT_EQ(bed.send(m0, at(source)).verdict(), "drop source_invalid");
  }
  net::Endpoint port0 = alice;
  port0.port = 0;
  EXPECT_EQ(bed.send(m0, port0).verdict(), "drop source_invalid");
}

TEST_F(Forwarding, ReflectionByViaContentReachesNobody) {  // SEC-25
  for (const char* received : {"", ";received=203.0.113.200"}) {
    for (const char* rport : {"", ";rport", ";rport=53"}) {
      for (const char* maddr : {"", ";maddr=203.0.113.200"}) {
        for (const char* host : {"198.51.100.66", "203.0.113.200", "victim.example", "203.0.113.200:53"}) {
          for (const char* mf : {"0", "70"}) {
            const std::string via = std::string("SIP/2.0/UDP ") + host + ";branch=z9hG4bKa" + received + rport + maddr;
            SCOPED_TRACE(via);
            const Outcome outcome = bed.send(m0.with("Via", via).with("Max-Forwards", mf), mallory);
            ASSERT_TRUE(outcome.sent());
            if (!outcome.forwarded()) {
              EXPECT_EQ(outcome.decision.destination.address, mallory.address);
              continue;
            }
            const Outcome answer = bed.send(reply_to(outcome.message, "200 OK"), b2, inside);
            ASSERT_TRUE(answer.forwarded());
            EXPECT_EQ(answer.decision.destination.address, mallory.address);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace viaduct::test
