// Responses (RSP), and what becomes of CANCEL and ACK (CAN).
#include <fstream>

#include "proxy/via_mac.h"
#include "support/proxy_bed.h"

namespace viaduct::test {
namespace {

class Responses : public ::testing::Test {
 protected:
  Responses() : sent(bed.from_alice(m0)), ok(reply_to(sent.message, "200 OK", "bobs")) {}
  std::string verdict(const std::string& message) const { return bed.send(message, b2, inside).verdict(); }
  // Our Via and another below it.
  SipText with_vias(const std::string& ours, const std::string& next) const {
    return ok.without("Via").with_line("Via: " + next).with_line("Via: " + ours);
  }

  Bed bed;
  const Outcome sent;
  const SipText ok;
};

TEST_F(Responses, TheTopViaMustBeOurs) {  // RSP-01
  EXPECT_EQ(verdict(with_vias("SIP/2.0/UDP 10.9.9.9:5060;branch=z9hG4bKq", ok.values("Via")[1])), "drop via_not_ours");
  EXPECT_EQ(verdict(with_vias("SIP/2.0/UDP 10.0.0.1:5080;branch=z9hG4bKq", ok.values("Via")[1])), "drop via_not_ours");
}

TEST_F(Responses, OursIsTheClusters) {  // RSP-02, IP6-03
  const std::string ours = ok.value("Via");
  for (const char* sent_by : {"10.0.0.1", "10.0.0.1:5060", "192.0.2.10", "LB.Example.com", "lb.example.com:5060",
                              "[2001:DB8::0010]:5060", "[::ffff:10.0.0.1]:5060"}) {
    SCOPED_TRACE(std::string("RSP-02 ") + sent_by);
    const Outcome outcome =
        bed.send(with_vias(replace_all(ours, "10.0.0.1:5060", sent_by), ok.values("Via")[1]), b2, inside);
    EXPECT_EQ(outcome.verdict(), "forward");
    EXPECT_EQ(outcome.decision.destination, alice);
  }
  Bed other_node;
  other_node.view = Bed::build(Bed::Homes::two);
  EXPECT_EQ(other_node.send(ok, b2, inside).bytes, bed.send(ok, b2, inside).bytes);
}

TEST_F(Responses, ExactlyOurValueComesOff) {  // RSP-03
  const std::string ours = ok.value("Via"), next = ok.values("Via")[1];
  for (const auto& [rows, left] : std::vector<std::pair<std::string, std::string>>{
           {"v: " + ours + ", " + next, "v: " + next},
           {"Via: " + ours + " , \r\n " + next, "Via: " + next},
           {"Via: " + ours + "\r\nv: " + next + ", SIP/2.0/UDP x.example", "v: " + next + ", SIP/2.0/UDP x.example"},
           {"VIA: " + replace_all(ours, ";branch", ";\r\n branch") + "\r\nVia: " + next, "Via: " + next}}) {
    SCOPED_TRACE("RSP-03 " + rows);
    const Outcome outcome = bed.send(
        replace_all(ok.without("Via").str(), "SIP/2.0 200 OK\r\n", "SIP/2.0 200 OK\r\n" + rows + "\r\n"), b2, inside);
    EXPECT_EQ(outcome.verdict(), "forward");
    EXPECT_EQ(outcome.bytes,
              replace_all(ok.without("Via").str(), "SIP/2.0 200 OK\r\n", "SIP/2.0 200 OK\r\n" + left + "\r\n"));
  }
}

TEST_F(Responses, WithoutAnotherViaItEndsHere) {  // RSP-04
  EXPECT_EQ(verdict(ok.without("Via").with_line("Via: " + ok.value("Via"))), "absorb via_missing_next");
}

TEST_F(Responses, TheNextViaSaysWhereTo) {  // RSP-05, TRQ-09
  for (const auto& [via, source, destination] : std::vector<std::tuple<std::string, net::Endpoint, net::Endpoint>>{
           {"192.168.1.7:5062;rport;branch=z9hG4bKa", nadia, nadia},
           {"192.168.1.7:5062;branch=z9hG4bKa", nadia, at("203.0.113.9:5062")},
           {"192.168.1.7;branch=z9hG4bKa", nadia, at("203.0.113.9:5060")},
           {"198.51.100.7:5070;branch=z9hG4bKa", alice, at("198.51.100.7:5070")},
           {"198.51.100.7;branch=z9hG4bKa", alice, alice}}) {
    SCOPED_TRACE("RSP-05 " + via);
    const Outcome request = bed.send(m0.with("Via", "SIP/2.0/UDP " + via), source);
    EXPECT_EQ(bed.send(reply_to(request.message, "200 OK"), b2, inside).decision.destination, destination);
  }
}

TEST_F(Responses, TheyLeaveFromTheArrivalSocket) {  // RSP-06
  Bed ports(Bed::Homes::one);
  ports.view.sockets.push_back({.address = at("192.0.2.10:5070"), .listener = 0});
  ports.finish();
  const uint16_t port_5070 = 2;
  const Outcome request = ports.send(m0, alice, port_5070);
  EXPECT_EQ(request.decision.socket, port_5070) << "RRT-05: one socket where one will do";
  EXPECT_EQ(ports.send(reply_to(request.message, "200 OK"), request.decision.destination, port_5070).decision.socket,
            port_5070);
  EXPECT_EQ(ports.send(reply_to(request.message, "200 OK"), request.decision.destination, outside).decision.socket,
            port_5070)
      << "wherever it arrived";
  EXPECT_EQ(bed.send(ok, b2, inside).decision.socket, outside);
}

TEST_F(Responses, EveryClassIsForwarded) {  // RSP-07, LBG-11, MIS-03
  for (const char* status : {"100 Trying", "180 Ringing", "183 Session Progress", "200 OK", "202 Accepted", "302 Moved",
                             "404 Not Found", "486 Busy", "503 Busy", "603 Decline", "699 ?"}) {
    for (const char* tag : {"a", "b"}) {
      SCOPED_TRACE(std::string("RSP-07 ") + status);
      const SipText response = reply_to(sent.message, status, tag);
      EXPECT_EQ(verdict(response), "forward");
      EXPECT_EQ(bed.send(response, b2, inside).bytes, bed.send(response, b2, inside).bytes);
    }
  }
}

TEST_F(Responses, NothingElseChanges) {  // RSP-08, RSP-19, NAT-04
  const SipText response = reply_to(sent.message, "200 OK", "bobs", true)
                               .with_last_line("Path: <sip:x;lr>")
                               .with_last_line("Contact: <sip:bob@203.0.113.50>")
                               .with("Content-Length", "5")
                               .with_body("hello");
  const Outcome outcome = bed.send(response, b2, inside);
  EXPECT_EQ(outcome.bytes, replace_all(response.str(), "Via: " + response.value("Via") + "\r\n", ""));
}

TEST_F(Responses, ABackendMayAnswerFromAnotherPort) {  // RSP-10, D-06, SEC-22
  EXPECT_EQ(bed.send(ok, at("10.0.1.3:35060"), inside).verdict(), "forward");
  EXPECT_EQ(bed.send(ok, at("10.0.1.3:35060"), inside).decision.backend, 2);
  EXPECT_EQ(bed.send(ok, at("10.0.9.9:5060"), inside).verdict(), "drop response_source_refused");
  EXPECT_EQ(bed.send(ok, at("203.0.113.77:5060"), outside).verdict(), "forward") << "outside, the MAC alone counts";
}

TEST_F(Responses, OnlyAnswersToOurRequestsAreForwarded) {  // RSP-11, SEC-20, SEC-21
  const std::string ours = ok.value("Via"), next = ok.values("Via")[1];
  EXPECT_EQ(verdict(with_vias(ours, "SIP/2.0/UDP 203.0.113.200:53;branch=z9hG4bK776asdhds")), "drop via_mac_bad");
  EXPECT_EQ(verdict(with_vias(ours, replace_all(next, "rport=5060", "rport=53"))), "drop via_mac_bad");
  EXPECT_EQ(verdict(with_vias(ours, replace_all(next, "received=198.51.100.7", "received=203.0.113.200"))),
            "drop via_mac_bad");
  for (const char* forged :
       {"SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKx", "SIP/2.0/UDP 192.0.2.10:5060",
        "SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKx;vd=1.0.0000000000000000",
        "SIP/2.0/UDP 192.0.2.10;vd=", "SIP/2.0/UDP 192.0.2.10;vd=1",
        "SIP/2.0/UDP 192.0.2.10;vd=1.99999.0123456789abcdef", "SIP/2.0/UDP 192.0.2.10;vd=1..0123456789abcdef"}) {
    SCOPED_TRACE(std::string("SEC-20 ") + forged);
    EXPECT_EQ(bed.send(with_vias(forged, "SIP/2.0/UDP 203.0.113.200"), mallory).verdict(), "drop via_mac_bad");
  }
  // Every character of the MAC, the socket and the branch counts.
  for (size_t i = ours.find(";branch=z9hG4bK") + 15; i < ours.size(); ++i) {
    std::string flipped = ours;
    if (flipped[i] == ';' || flipped[i] == '=' || flipped.compare(i, 3, "vd=") == 0 || flipped.compare(i, 2, "d=") == 0)
      continue;
    flipped[i] = flipped[i] == '7' ? '2' : '7';
    EXPECT_EQ(verdict(with_vias(flipped, next)), "drop via_mac_bad") << flipped;
  }
  // Nor does it leave from another socket of ours than the one on which the request came.
  for (const char* other : {"1.1.", "1.2."}) {
    EXPECT_EQ(verdict(with_vias(replace_all(ours, "vd=1.0.", std::string("vd=") + other), next)), "drop via_mac_bad")
        << other;
  }
  // Bob's phone sees a true Via of ours in the requests it gets; it is good for the backend that asked, and nobody
  // else.
  const Outcome to_bob = bed.from_backend(m0.with_uri("sip:bob@203.0.113.50"));
  const SipText abuse = reply_to(to_bob.message, "200 OK")
                            .without("Via")
                            .with_line("Via: SIP/2.0/UDP 203.0.113.200;branch=x")
                            .with_line("Via: " + to_bob.via());
  EXPECT_EQ(bed.send(abuse, bob).verdict(), "drop via_mac_bad");
}

TEST_F(Responses, ANameBelowUsIsNotLookedUp) {  // RSP-12, D-02
  EXPECT_EQ(verdict(with_vias(ok.value("Via"), "SIP/2.0/UDP victim.example.org;branch=z9hG4bKq")),
            "drop via_next_invalid");
  EXPECT_EQ(verdict(with_vias(ok.value("Via"), "SIP/2.0/UDP a.example;received=victim.example.org")),
            "drop via_next_invalid");
}

TEST_F(Responses, SomeAddressesAreNoDestination) {  // RSP-13
  for (const char* host : {"255.255.255.255", "224.0.1.75", "0.0.0.0", "192.0.2.10", "10.0.0.1", "[ff02::1]"}) {
    SCOPED_TRACE(std::string("RSP-13 ") + host);
    EXPECT_EQ(verdict(with_vias(ok.value("Via"), std::string("SIP/2.0/UDP ") + host + ";branch=z9hG4bKq")),
              "drop via_next_invalid");
  }
}

TEST_F(Responses, WhoWasHeardOverALinkIsAnsweredThere) {  // RSP-13
  for (const char* client : {"169.254.7.7:5060", "[fe80::7]:5060"}) {
    const bool v6 = client[0] == '[';
    const Outcome forwarded = bed.send(m0, at(client), v6 ? outside6 : outside);
    ASSERT_EQ(forwarded.verdict(), "forward") << client;
    const Outcome answered =
        bed.send(reply_to(forwarded.message, "200 OK", "x"), forwarded.decision.destination, inside);
    EXPECT_EQ(answered.verdict(), "forward") << client;
    EXPECT_EQ(answered.decision.destination, at(client));
  }
}

TEST_F(Responses, WhatPassedOnItsWayPassesOnItsWayBack) {  // RSP-16
  for (const char* lower : {"", "SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKa;x=\"open", "SIP/2.0/UDP 10.9.9.9,"}) {
    const Outcome forwarded = bed.from_alice(m0.with_line_at(3, std::string("Via: ") + lower));
    ASSERT_EQ(forwarded.verdict(), "forward") << lower;
    std::string reply = reply_to(forwarded.message, "200 OK", "x");
    EXPECT_EQ(verdict(SipText(reply)), "forward") << reply;
  }
  // With as many below as a request may have, and ours.
  std::string vias;
  for (int i = 2; i <= 128; ++i)
    vias += (i == 2 ? "" : "\r\nVia: ") + ("SIP/2.0/UDP 10.9.9.9;branch=z9hG4bK" + std::to_string(i));
  EXPECT_EQ(verdict(ok.with_line_at(3, "Via: " + vias)), "forward");
  EXPECT_EQ(verdict(ok.with_line_at(3, "Via: SIP/2.0/UDP 10.9.9.9\r\nVia: " + vias)), "drop malformed_response");
}

TEST_F(Responses, NothingIsSaidInReturn) {  // RSP-14
  for (const SipText& broken :
       {ok.without("To"), ok.without("Via"), ok.with("CSeq", "x"), ok.with("Content-Length", "-1"),
        ok.with_last_line("???"), ok.with_start("SIP/3.0 200 OK")}) {
    EXPECT_EQ(verdict(broken), "drop malformed_response") << broken.str();
  }
}

TEST_F(Responses, BodiesEndWhereTheyShould) {  // RSP-15
  EXPECT_EQ(verdict(ok.with("Content-Length", "500").with_body(std::string(100, 'x'))), "drop malformed_response");
  const Outcome trimmed = bed.send(ok.with("Content-Length", "5").with_body("helloSIP/2.0 200 OK"), b2, inside);
  EXPECT_EQ(trimmed.message.body(), "hello");
}

TEST_F(Responses, TheSecondViaMustBeReadable) {  // RSP-16
  EXPECT_EQ(verdict(with_vias(ok.value("Via"), "SIP/2.0/UDP ;;,")), "drop malformed_response");
  EXPECT_EQ(verdict(with_vias(ok.value("Via"), "SIP/2.0/UDP 198.51.100.7;received=1.2.3.4;received=1.2.3.5")),
            "drop malformed_response");
}

TEST_F(Responses, WhatABackendAddsToOurViaIsIgnored) {  // RSP-17
  const Outcome outcome =
      bed.send(with_vias(ok.value("Via") + ";received=203.0.113.200;rport=53;x=y", ok.values("Via")[1]), b2, inside);
  EXPECT_EQ(outcome.decision.destination, alice);
  EXPECT_EQ(outcome.bytes, bed.send(ok, b2, inside).bytes);
}

TEST_F(Responses, A503OfABackendPasses) {  // RSP-18, D-09
  const SipText busy = reply_to(sent.message, "503 Service Unavailable", "x").with_last_line("Retry-After: 30");
  const Outcome outcome = bed.send(busy, b2, inside);
  EXPECT_EQ(outcome.message.start(), "SIP/2.0 503 Service Unavailable");
  EXPECT_EQ(outcome.message.value("Retry-After"), "30");
  bed.view.policy.rewrite_503 = true;
  EXPECT_EQ(bed.send(busy, b2, inside).message.start(), "SIP/2.0 500 Service Unavailable");
  EXPECT_EQ(bed.send(ok, b2, inside).message.start(), "SIP/2.0 200 OK");
}

TEST_F(Responses, UnreadableOnesAreDropped) {  // RSP-20
  EXPECT_EQ(verdict(ok.with_start("SIP/2.0 2000 OK")), "drop malformed_response");
  EXPECT_EQ(verdict(ok.with("CSeq", "9292394834772304023312 INVITE")), "drop malformed_response");
}

TEST_F(Responses, ACancelIsARequestLikeAnyOther) {  // CAN-01, CAN-02, CAN-04
  const Outcome cancel = bed.from_alice(cancel_of(m0));
  EXPECT_TRUE(cancel.forwarded()) << "and no 200 of ours";
  EXPECT_EQ(cancel.via(), sent.via());
  EXPECT_EQ(cancel.decision.destination, sent.decision.destination);
  EXPECT_EQ(bed.from_alice(cancel_of(m0.with("Call-ID", "nobody-knows"))).verdict(), "forward");
}

TEST_F(Responses, AnAckForANon2xxIsForwardedAndNotAnswered) {  // CAN-06
  const Outcome ack = bed.from_alice(ack_of(m0, "bobs"));
  EXPECT_TRUE(ack.forwarded());
  EXPECT_EQ(ack.via(), sent.via());
}

TEST_F(Responses, AnAckWithoutRouteToAForeignHostIsDropped) {  // CAN-07
  EXPECT_EQ(bed.from_alice(ack_of(m0, "bobs").with_uri("sip:bob@203.0.113.50")).verdict(), "drop ack_refused");
}

}  // namespace
}  // namespace viaduct::test
