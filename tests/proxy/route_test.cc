// Route preprocessing (RTE) and the choice of target (TGT).
#include <set>

#include "support/proxy_bed.h"

namespace viaduct::test {
namespace {

class Routing : public ::testing::Test {
 protected:
  Routing() {
    const Outcome invite = bed.from_alice(m0);
    for (const std::string& value : invite.message.values("Record-Route")) own.push_back(value);
  }
  // In-dialog BYE of Alice's, with these Route rows.
  SipText bye(const std::vector<std::string>& routes) const {
    SipText message = m0.with_method("BYE")
                          .with_uri("sip:bob@203.0.113.50")
                          .with("To", "<sip:bob@example.com>;tag=b")
                          .without("Contact")
                          .without("Content-Type")
                          .with("Content-Length", "0")
                          .with_body("");
    for (size_t i = routes.size(); i-- > 0;) message = message.with_line_at(2, "Route: " + routes[i]);
    return message;
  }
  std::string verdict(const std::string& message) const { return bed.from_alice(message).verdict(); }
  // The Route values of a message, over all its rows.
  static std::vector<std::string> routes_of(const std::string& message) {
    static sip::Message parsed;
    sip::parse(message, parsed);
    std::vector<std::string> values;
    sip::ValueWalk walk(parsed, sip::Header::route);
    while (walk.next()) values.emplace_back(parsed.text(walk.value()));
    EXPECT_FALSE(walk.bad()) << message;
    return values;
  }

  Bed bed;
  std::vector<std::string> own;  // the Record-Route values of M0: inside, outside
};

TEST_F(Routing, AStrictRouterBeforeUsIsUndone) {  // RTE-01
  const std::string uri = own[1].substr(1, own[1].size() - 2);
  const Outcome outcome = bed.from_alice(bye({own[0], "<sip:10.0.1.3;lr>", "<sip:bob@203.0.113.50>"}).with_uri(uri));
  EXPECT_EQ(outcome.verdict(), "forward");
  EXPECT_EQ(outcome.message.start(), "BYE sip:bob@203.0.113.50 SIP/2.0");
  EXPECT_EQ(outcome.message.values("Route"), std::vector<std::string>{"<sip:10.0.1.3;lr>"});
  EXPECT_EQ(outcome.decision.destination, b2);
  const Outcome alone = bed.from_alice(bye({own[0] + ", <sip:bob@203.0.113.50?Subject=x>"}).with_uri(uri));
  EXPECT_EQ(alone.message.start(), "BYE sip:bob@203.0.113.50 SIP/2.0") << "FWD-02";
  EXPECT_FALSE(alone.message.has("Route"));
  EXPECT_EQ(alone.decision.destination, b2) << "by the cookie";
  const std::string forged = replace_all(uri, "vd=1", "vd=1a");
  EXPECT_EQ(verdict(bye({own[0], "<sip:bob@203.0.113.50>"}).with_uri(forged)), "reply 403");
}

TEST_F(Routing, OnlyOurMarkMakesAStrictRoute) {  // RTE-02
  EXPECT_EQ(verdict(m0.with_method("REGISTER").with_uri("sip:192.0.2.10")), "forward");
  const Outcome outcome = bed.from_alice(m0.with_uri("sip:bob@192.0.2.10").with_line("Route: <sip:lb.example.com;lr>"));
  EXPECT_EQ(outcome.message.start(), "INVITE sip:bob@192.0.2.10 SIP/2.0");
  const std::string uri = own[1].substr(1, own[1].size() - 2);
  EXPECT_EQ(bed.from_alice(m0.with_uri(uri)).message.start(), "INVITE " + uri + " SIP/2.0")
      << "without Route nothing is swapped";
}

// Rules, lists of domains and limits see the Request-URI that comes; a client must not have another one leave.
TEST_F(Routing, FromOutsideNoNewRequestGetsAnotherRequestUri) {  // RTE-01, TGT-08
  for (const char* route : {"<sip:9001234@evil.example;maddr=10.0.1.3>", "<sip:9001234@10.0.1.3>"}) {
    const Outcome outcome = bed.from_alice(m0.with_line(std::string("Route: ") + route));
    EXPECT_EQ(outcome.message.start(), "INVITE sip:bob@example.com SIP/2.0") << "a backend is no strict router";
    EXPECT_EQ(outcome.message.values("Route"), std::vector<std::string>{route});
    EXPECT_EQ(outcome.decision.destination, b2);
  }
  const std::string uri = own[1].substr(1, own[1].size() - 2);
  const SipText marked = m0.with_uri(uri).with_line("Route: <sip:9001234@example.com>");
  const Outcome outcome = bed.from_alice(marked);
  EXPECT_EQ(outcome.message.start(), "SIP/2.0 403 Strict Route Refused") << "a mark of ours comes back in dialogs only";
  EXPECT_EQ(outcome.reason(), "strict_route_refused");
  EXPECT_EQ(verdict(ack_of(marked, param(outcome.message.value("To"), "tag"))), "absorb ack_to_own_reply")
      << "RTE-10: neither leaves with another Request-URI than the other";
  EXPECT_EQ(verdict(m0.with_uri(replace_all(uri, "vd=1", "vd=1a")).with_line("Route: <sip:192.0.2.10;lr>")),
            "reply 403");
  EXPECT_EQ(verdict(m0.with_uri("sip:bob@192.0.2.10").with_line("Route: <sip:192.0.2.10;lr>")), "forward");
}

TEST_F(Routing, MaddrThatNamesUsIsTakenOff) {  // RTE-03
  for (const auto& [uri, expected] : std::vector<std::pair<std::string, std::string>>{
           {"sip:bob@example.com;maddr=192.0.2.10", "sip:bob@example.com"},
           {"sip:bob@example.com:5060;transport=UDP;user=phone;maddr=192.0.2.10", "sip:bob@example.com;user=phone"},
           {"sip:bob@example.com;maddr=lb.example.com;x=y", "sip:bob@example.com;x=y"},
           {"sip:bob@example.com;maddr=[2001:db8::10]", "sip:bob@example.com"},
           {"sip:bob@example.com;maddr=Example.com.", "sip:bob@example.com"},
           {"sip:bob@192.0.2.10:5060;maddr=example.com;x=y", "sip:bob@192.0.2.10;x=y"}}) {
    SCOPED_TRACE("RTE-03 " + uri);
    const Outcome outcome = bed.from_alice(m0.with_uri(uri));
    EXPECT_EQ(outcome.message.start(), "INVITE " + expected + " SIP/2.0");
  }
  EXPECT_EQ(verdict(m0.with_uri("sip:bob@example.com:5080;maddr=192.0.2.10")), "reply 403") << "no socket of ours";
  EXPECT_EQ(verdict(m0.with_uri("sip:bob@example.com:5080;maddr=example.com")), "reply 403") << "nor that port";
  EXPECT_EQ(verdict(m0.with_uri("sip:bob@example.com;maddr=sub.example.com")), "reply 403") << "not served";
  EXPECT_EQ(verdict(m0.with_uri("sip:bob@example.com;maddr=192.0.2.10;transport=tcp")), "reply 403")
      << "not this transport";
}

TEST_F(Routing, ALiteralDomainIsOursHoweverItIsWritten) {  // RTE-03, IP6-03
  bed.listener().domains = {"example.com", "2001:db8::5"};
  EXPECT_EQ(bed.from_alice(m0.with_uri("sip:bob@example.com;maddr=[2001:DB8:0::0:5]")).message.start(),
            "INVITE sip:bob@example.com SIP/2.0");
  EXPECT_EQ(verdict(m0.with_uri("sip:bob@example.com;maddr=[2001:db8::6]")), "reply 403");
}

TEST_F(Routing, ForeignMaddrIsTheOnlyTarget) {  // RTE-04
  EXPECT_EQ(verdict(m0.with_uri("sip:bob@example.com;maddr=203.0.113.200")), "reply 403");
  const Outcome outcome = bed.from_backend(m0.with_uri("sip:bob@example.com;maddr=203.0.113.50"));
  EXPECT_EQ(outcome.decision.destination, bob);
  EXPECT_EQ(outcome.message.start(), "INVITE sip:bob@example.com;maddr=203.0.113.50 SIP/2.0");
  EXPECT_EQ(verdict(bye({own[1], own[0], "<sip:10.0.1.3;lr>"}).with_uri("sip:bob@example.com;maddr=203.0.113.50")),
            "forward")
      << "a Route says where to; the Request-URI is the business of those behind";
}

TEST_F(Routing, OurFirstRouteValueIsTakenOff) {  // RTE-05, RTE-08
  for (const auto& [route, left] : std::vector<std::pair<std::string, std::string>>{
           {"<sip:lb.example.com;lr>, <sip:10.0.1.3;lr>", "<sip:10.0.1.3;lr>"},
           {"<sip:192.0.2.10;lr>,<sip:10.0.1.3:5060;lr>;x=\"a,b\"  ,  \"x, y\" <sip:p2.example;lr>",
            "<sip:10.0.1.3:5060;lr>;x=\"a,b\"  ,  \"x, y\" <sip:p2.example;lr>"},
           {"<sip:10.0.1.3;lr>", "<sip:10.0.1.3;lr>"}}) {
    SCOPED_TRACE("RTE-05 RTE-08 " + route);
    const Outcome outcome = bed.from_alice(m0.with_line("Route: " + route));
    EXPECT_EQ(outcome.message.value("Route"), left);
    EXPECT_EQ(outcome.decision.destination, b2);
  }
  const Outcome emptied = bed.from_alice(m0.with_line("Route: <sip:192.0.2.10;lr>"));
  EXPECT_FALSE(emptied.message.has("Route")) << "an emptied row disappears";
  const Outcome rows = bed.from_alice(
      m0.with_line("Route: <sip:192.0.2.10;lr> , <sip:10.0.1.3;lr>,<sip:a;lr>").with_line_at(4, "route: <sip:b;lr>"));
  EXPECT_EQ(rows.message.values("Route"), (std::vector<std::string>{"<sip:10.0.1.3;lr>,<sip:a;lr>", "<sip:b;lr>"}));
}

TEST_F(Routing, WhatIsTakenOffLeavesItsNeighbours) {  // RTE-08
  using Values = std::vector<std::string>;
  const std::string ours = "<sip:192.0.2.10;lr>", backend = "<sip:10.0.1.3;lr>", last = "<sip:bob@203.0.113.50>";
  const std::string own_uri = own[1].substr(1, own[1].size() - 2);
  for (const char* rows : {"Route: {a}, {b}\r\n ,{c}", "Route: {a}\r\n ,{b},{c}", "Route: {a}\r\nRoute: {b},{c}",
                           "Route: {a} , {b}\r\nRoute: {c}", "Route:{a}\r\nRoute: {b}\r\nROUTE : {c}"}) {
    SCOPED_TRACE(std::string("RTE-08 ") + rows);
    const auto routed = [&](const std::string& a, const std::string& b, const std::string& c) {
      return replace_all(replace_all(replace_all(rows, "{a}", a), "{b}", b), "{c}", c);
    };
    const auto left = [&](const SipText& request, const std::string& text) {
      const Outcome outcome = bed.from_alice(request.with_line_at(2, text));
      EXPECT_EQ(outcome.verdict(), "forward");
      return routes_of(outcome.bytes);
    };
    EXPECT_EQ(left(bye({}), routed(backend, ours, last)), (Values{backend, ours, last})) << "none";
    EXPECT_EQ(left(bye({}), routed(ours, backend, last)), (Values{backend, last})) << "the first";
    EXPECT_EQ(left(bye({}), routed(ours, own[0], backend)), Values{backend}) << "the first two";
    // From a strict router, whose Request-URI stands behind the last.
    const SipText strict = bye({}).with_uri(own_uri);
    EXPECT_EQ(left(strict, routed(backend, ours, last)), (Values{backend, ours})) << "the last";
    EXPECT_EQ(left(strict, routed(ours, backend, last)), Values{backend}) << "the first and the last";
    EXPECT_EQ(left(strict, routed(ours, own[0], last)), Values{}) << "all";
  }
}

TEST_F(Routing, AtMostTwoOwnValuesComeOff) {  // RTE-06, LOP-03
  const std::string a = "<sip:192.0.2.10;lr>", b = "<sip:10.0.0.1;lr>", p = "<sip:10.0.1.3;lr>";
  EXPECT_EQ(bed.from_alice(bye({a, b, p})).message.values("Route"), std::vector<std::string>{p});
  EXPECT_EQ(bed.from_alice(bye({a + "," + b + "," + p})).message.values("Route"), std::vector<std::string>{p});
  EXPECT_EQ(verdict(bye({a, b, a, p})), "reply 482");
  EXPECT_EQ(verdict(bye(std::vector<std::string>(60, a))), "reply 482");
}

// Nadia calls Bob, who is behind a NAT like her, through a backend that does not record routes.
class Spiral : public ::testing::TestWithParam<Bed::Homes> {
 protected:
  Spiral() {
    const Outcome inward = bed.send(m0.with("Contact", "<sip:alice@192.168.1.7>"), nadia, outside);
    home = inward.decision.destination;
    const SipText sent = inward.message.with_line_at(1, "Via: SIP/2.0/UDP 10.0.1.3;branch=z9hG4bKspiral")
                             .with_uri("sip:bob@192.168.7.7");
    // Bob's binding is where a Path value of ours leads.
    const std::string path = bed.send(m0.with("Call-ID", "bobs"), bob, outside).message.values("Record-Route").back();
    const std::string token = path.substr(0, path.find(";vd=")) + ">";
    const Outcome outward = bed.send(sent.with_line_at(2, "Route: " + token), home, inner());
    EXPECT_EQ(outward.decision.destination, bob);
    bobs = outward.message.values("Record-Route");
    alices = {bobs.rbegin(), bobs.rend()};
  }
  uint16_t inner() const { return GetParam() == Bed::Homes::two ? inside : outside; }
  static SipText in_dialog(const std::string& method, const std::vector<std::string>& routes, const std::string& uri) {
    SipText message = cancel_of(m0).with_method(method).with_uri(uri).with("To", "<sip:bob@example.com>;tag=b");
    for (size_t i = routes.size(); i-- > 0;) message = message.with_line_at(2, "Route: " + routes[i]);
    return message;
  }
  // By way of the backend, which is a loose router and sends it where the first Route says.
  void expect_way(const SipText& message, const net::Endpoint& from, const net::Endpoint& to) const {
    const Outcome inward = bed.send(message, from, outside);
    ASSERT_EQ(inward.verdict(), "forward") << inward.reason();
    EXPECT_EQ(inward.decision.destination, home) << "by the cookie";
    const auto routes = inward.message.values("Route");
    ASSERT_FALSE(routes.empty());
    EXPECT_NE(routes[0].find(GetParam() == Bed::Homes::two ? "10.0.0.1" : "192.0.2.10"), std::string::npos)
        << "for the backend to send it back to us";
    const Outcome outward =
        bed.send(inward.message.with_line_at(1, "Via: SIP/2.0/UDP 10.0.1.3;branch=z9hG4bKspiral2"), home, inner());
    EXPECT_EQ(outward.verdict(), "forward") << outward.reason();
    EXPECT_EQ(outward.decision.destination, to) << "over his flow";
    EXPECT_FALSE(outward.message.has("Route"));
  }

  Bed bed{GetParam()};
  net::Endpoint home;
  std::vector<std::string> alices, bobs;
};

TEST_P(Spiral, ADialogThroughABackendThatRecordsNoRouteLives) {  // RTE-06, LBG-14, AFF-05, RRT-05
  ASSERT_EQ(alices.size(), GetParam() == Bed::Homes::two ? 4u : 2u);
  for (const char* method : {"ACK", "BYE"}) {
    SCOPED_TRACE(method);
    expect_way(in_dialog(method, alices, "sip:bob@192.168.7.7"), nadia, bob);
    expect_way(in_dialog(method, bobs, "sip:alice@192.168.1.7"), bob, nadia);
  }
  // A phone that puts its outbound proxy above all.
  std::vector<std::string> prefixed = alices;
  prefixed.insert(prefixed.begin(), "<sip:192.0.2.10;lr>");
  expect_way(in_dialog("BYE", prefixed, "sip:bob@192.168.7.7"), nadia, bob);
}

TEST_P(Spiral, WhatDoesNotVerifyIsOfNoPass) {  // RTE-06, RTE-11, RRT-10
  const SipText bye = in_dialog("BYE", alices, "sip:bob@192.168.7.7").with("Call-ID", "another");
  EXPECT_EQ(bed.send(bye, nadia, outside).verdict(), "reply 403");
  if (GetParam() == Bed::Homes::two) {
    EXPECT_EQ(bed.send(bye, home, inside).verdict(), "reply 482") << "from inside: as if they had no cookie";
  }
}

INSTANTIATE_TEST_SUITE_P(Both, Spiral, ::testing::Values(Bed::Homes::two, Bed::Homes::one));

TEST_F(Routing, AnOutboundProxyAboveTheRouteSetIsNoLoop) {  // RTE-06
  const Outcome outcome = bed.from_alice(bye({"<sip:192.0.2.10;lr>", own[1], own[0], "<sip:10.0.1.3;lr>"}));
  EXPECT_EQ(outcome.message.values("Route"), std::vector<std::string>{"<sip:10.0.1.3;lr>"});
  EXPECT_EQ(outcome.decision.destination, b2);
}

TEST_F(Routing, LrIsPresentHoweverItIsWritten) {  // RTE-07
  for (const char* lr : {"lr", "LR", "lr=true", "lr=on"}) {
    SCOPED_TRACE(std::string("RTE-07 ") + lr);
    const Outcome outcome =
        bed.from_alice(bye({"<sip:192.0.2.10;" + std::string(lr) + ">", "<sip:10.0.1.3;" + std::string(lr) + ">"}));
    EXPECT_EQ(outcome.message.start(), "BYE sip:bob@203.0.113.50 SIP/2.0");
    EXPECT_EQ(outcome.message.values("Route").size(), 1u);
  }
}

TEST_F(Routing, AStrictRouterBehindUsGetsWhatItWants) {  // RTE-09, FWD-02
  const Outcome two =
      bed.from_backend(bye({"<sip:10.0.0.1;lr>", "<sip:203.0.113.50>", "<sip:p2;lr>"}).with_uri("sip:caller@u1"));
  EXPECT_EQ(two.message.start(), "BYE sip:203.0.113.50 SIP/2.0");
  EXPECT_EQ(two.message.values("Route"), std::vector<std::string>{"<sip:p2;lr>, <sip:caller@u1>"});
  EXPECT_EQ(two.decision.destination, bob);
  const Outcome list =
      bed.from_backend(bye({"<sip:10.0.0.1;lr>, <sip:203.0.113.50>, <sip:p2;lr>"}).with_uri("sip:caller@u1"));
  EXPECT_EQ(list.message.values("Route"), std::vector<std::string>{"<sip:p2;lr>, <sip:caller@u1>"});
  const Outcome alone =
      bed.from_backend(bye({"<sip:p3@203.0.113.50;method=INVITE;x=y?Subject=a>"}).with_uri("sip:caller@u1"));
  EXPECT_EQ(alone.message.start(), "BYE sip:p3@203.0.113.50;x=y SIP/2.0");
  EXPECT_EQ(alone.message.values("Route"), std::vector<std::string>{"<sip:caller@u1>"});
}

TEST_F(Routing, CancelAndAckGetTheSameTreatment) {  // RTE-10, CAN-03
  for (const std::string route : {"<sip:192.0.2.10;lr>", "<sip:lb.example.com;lr>, <sip:10.0.1.2;lr>"}) {
    const SipText invite = m0.with_line("Route: " + route);
    const Outcome sent = bed.from_alice(invite), cancel = bed.from_alice(cancel_of(invite)),
                  ack = bed.from_alice(ack_of(invite, "x"));
    EXPECT_EQ(cancel.message.values("Route"), sent.message.values("Route"));
    EXPECT_EQ(ack.message.values("Route"), sent.message.values("Route"));
    EXPECT_EQ(cancel.decision.destination, sent.decision.destination);
    EXPECT_EQ(ack.decision.destination, sent.decision.destination);
    EXPECT_EQ(cancel.via(), sent.via());
    EXPECT_EQ(ack.via(), sent.via());
  }
}

TEST_F(Routing, AnOwnValueThatDoesNotVerifyIsRefused) {  // RTE-11, NAT-06
  EXPECT_EQ(verdict(bye({"<sip:TAMPERED@192.0.2.10;lr>"})), "reply 403");
  EXPECT_EQ(bed.from_backend(bye({"<sip:TAMPERED@192.0.2.10;lr>"})).verdict(), "reply 403");
  const size_t token = own[1].find(':') + 1, at_sign = own[1].find('@');
  for (size_t i = token; i < at_sign; ++i) {
    std::string flipped = own[1];
    flipped[i] = flipped[i] == 'a' ? 'b' : 'a';
    EXPECT_EQ(verdict(bye({flipped, own[0], "<sip:10.0.1.3;lr>"})), "reply 403") << flipped;
  }
}

TEST_F(Routing, WhatIsOursIsTheClustersAndNotTheText) {  // RTE-12, IP6-03
  for (const char* route : {"<sip:[2001:DB8:0:0::10];lr>", "<sip:[2001:db8::0010]:5060;lr>", "<sip:192.0.2.10:5060;lr>",
                            "<sip:[::ffff:192.0.2.10];lr>", "<SIP:10.0.0.1;lr>", "<sip:LB.Example.COM;lr>",
                            "<sip:lb.example.com:5060;lr>", "<sip:lb.example.com.;lr>", "sip:192.0.2.10"}) {
    SCOPED_TRACE(std::string("RTE-12 ") + route);
    const Outcome outcome = bed.from_alice(m0.with_line(std::string("Route: ") + route));
    EXPECT_EQ(outcome.verdict(), "forward");
    EXPECT_FALSE(outcome.message.has("Route"));
  }
  for (const char* route :
       {"<sip:192.0.2.10:5080;lr>", "<sip:192.0.2.11;lr>", "<sip:lb.example.com:5080;lr>", "<sip:lb.example.org;lr>"}) {
    SCOPED_TRACE(std::string("RTE-12 ") + route);
    EXPECT_EQ(verdict(m0.with_line(std::string("Route: ") + route)), "reply 403");
  }
}

// Addresses that mean us though no socket has them, those of a NAT before us, say: as names do, with the ports of ours.
TEST_F(Routing, AnAliasMayBeAnAddress) {  // RTE-12, IP6-03
  bed.view.alias_addresses = {at("198.51.100.250:1").address, at("[2001:db8::250]:1").address};
  for (const char* route : {"<sip:198.51.100.250;lr>", "<sip:198.51.100.250:5060;lr>", "<sip:[2001:DB8:0::250];lr>"}) {
    SCOPED_TRACE(std::string("RTE-12 ") + route);
    const Outcome outcome = bed.from_alice(m0.with_line(std::string("Route: ") + route));
    EXPECT_EQ(outcome.verdict(), "forward");
    EXPECT_FALSE(outcome.message.has("Route"));
  }
  EXPECT_EQ(verdict(m0.with_uri("sip:bob@198.51.100.250")), "forward") << "among the hosts that are served";
  for (const char* route : {"<sip:198.51.100.250:5080;lr>", "<sip:198.51.100.251;lr>"}) {
    EXPECT_EQ(verdict(m0.with_line(std::string("Route: ") + route)), "reply 403") << route;
  }
}

TEST_F(Routing, APreloadedRouteDoesNotSuppressRecordRoute) {  // RTE-13
  const Outcome outcome = bed.from_alice(m0.with_line("Route: <sip:lb.example.com;lr>"));
  EXPECT_FALSE(outcome.message.has("Route"));
  EXPECT_EQ(outcome.message.values("Record-Route"), own);
}

TEST_F(Routing, FromOutsideARouteNamesABackendOrNothing) {  // TGT-01, SEC-23
  EXPECT_EQ(bed.from_alice(m0.with_line("Route: <sip:10.0.1.2;lr>")).decision.destination, b1);
  const Outcome refused = bed.from_alice(m0.with_line("Route: <sip:203.0.113.200;lr>"));
  EXPECT_EQ(refused.message.start(), "SIP/2.0 403 Relaying Denied");
  EXPECT_EQ(verdict(m0.with_line("Route: <sip:10.0.1.2:5070;lr>")), "reply 403") << "another port of a backend's host";
  EXPECT_EQ(verdict(m0.with_line("Route: <sip:unknown.example;lr>")), "reply 403") << "outside, no name is looked up";
  EXPECT_TRUE(bed.from_alice(m0.with_line("Route: <sip:unknown.example;lr>")).decision.unresolved_host.empty());
}

TEST_F(Routing, ABackendMayBeNamedByName) {  // TGT-01, TGT-10
  bed.view.names["p1.cluster"] = b1;
  EXPECT_EQ(bed.from_alice(m0.with_line("Route: <sip:P1.Cluster;lr>")).decision.destination, b1);
}

TEST_F(Routing, TheChoiceIsRepeatable) {  // TGT-02, TGT-03
  std::set<std::string> sent;
  for (int i = 0; i < 1000; ++i) sent.insert(bed.from_alice(m0).bytes);
  EXPECT_EQ(sent.size(), 1u);
}

TEST_F(Routing, TheKeyHasOnlyFieldsThatCancelAndAckShare) {  // TGT-04
  for (const proxy::PoolKey key :
       {proxy::PoolKey::call_id, proxy::PoolKey::branch, proxy::PoolKey::from, proxy::PoolKey::to,
        proxy::PoolKey::request_uri, proxy::PoolKey::source, proxy::PoolKey::aor}) {
    SCOPED_TRACE("TGT-04 key " + std::to_string(static_cast<int>(key)));
    bed.view.pools[0].key = key;
    std::set<uint16_t> backends;
    for (int call = 0; call < 40; ++call) {
      const std::string n = std::to_string(call);
      const SipText invite = m0.with("Call-ID", "call-" + n)
                                 .with("Via", "SIP/2.0/UDP 198.51.100.7;rport;branch=z9hG4bK" + n)
                                 .with("From", "<sip:alice" + n + "@example.com>;tag=" + n)
                                 .with("To", "<sip:bob" + n + "@example.com>")
                                 .with_uri("sip:bob" + n + "@example.com");
      net::Endpoint source = alice;
      source.address.bytes[15] = static_cast<uint8_t>(call);
      const uint16_t chosen = bed.send(invite, source).decision.backend;
      backends.insert(chosen);
      source.port = 6000;
      for (const SipText& other :
           {cancel_of(invite), ack_of(invite, "x"), cancel_of(invite).without("Max-Forwards"),
            invite.with_line_at(2, "Via: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKlow").with_last_line("User-Agent: x"),
            invite.with("Contact", "<sip:other>")
                .without("Content-Type")
                .with("Content-Length", "0")
                .with_body("")
                .with_last_line("Authorization: Digest x")}) {
        EXPECT_EQ(bed.send(other, source).decision.backend, chosen) << other.str();
      }
    }
    EXPECT_EQ(backends.size(), 3u) << "the key counts";
  }
}

TEST_F(Routing, CallIdsAreComparedByteForByte) {  // TGT-06
  const auto hash = [&](const std::string& id) { return bed.from_alice(m0.with("Call-ID", id)).decision.hash; };
  EXPECT_NE(hash("AbC"), hash("abc"));
  EXPECT_EQ(hash("  AbC  "), hash("AbC"));
}

TEST_F(Routing, TheRequestUriStays) {  // TGT-07
  for (const char* uri : {"sip:bob@example.com", "sip:bob@example.com:5070;user=phone", "tel:+1-555"}) {
    EXPECT_EQ(bed.from_alice(m0.with_uri(uri)).message.start(), m0.with_uri(uri).start());
  }
}

TEST_F(Routing, NamesAreTheControlPlanesBusiness) {  // TGT-10
  const SipText call = m0.with_uri("sip:x@Unknown.example");
  const Outcome unresolved = bed.from_backend(call);
  EXPECT_EQ(unresolved.verdict(), "reply 500");
  EXPECT_EQ(unresolved.reason(), "next_hop_unresolved");
  EXPECT_EQ(unresolved.decision.destination, b0) << "told to the backend";
  EXPECT_EQ(call.str().substr(unresolved.decision.unresolved_host.begin, unresolved.decision.unresolved_host.size()),
            "Unknown.example");
  bed.view.names["unknown.example"] = at("203.0.113.77:5070");
  EXPECT_EQ(bed.from_backend(call).decision.destination, at("203.0.113.77:5070"));
  EXPECT_EQ(bed.from_backend(m0.with_uri("sip:x@unknown.example.:5066")).reason(), "next_hop_unresolved")
      << "with a port it is another question (RFC 3263 section 4.2)";
  bed.view.names["unknown.example:5066"] = at("203.0.113.78:5066");
  EXPECT_EQ(bed.from_backend(m0.with_uri("sip:x@unknown.example.:5066")).decision.destination, at("203.0.113.78:5066"));
}

TEST_F(Routing, WhatWouldComeBackToUsIsALoop) {  // TGT-11, LOP-03
  for (const char* uri : {"sip:x@192.0.2.10", "sip:x@10.0.0.1", "sip:x@lb.example.com", "sip:x@[2001:db8::10]",
                          "sip:x@b.example;maddr=192.0.2.10"}) {
    SCOPED_TRACE(std::string("TGT-11 ") + uri);
    EXPECT_EQ(bed.from_backend(m0.with_uri(uri)).verdict(),
              uri == std::string("sip:x@b.example;maddr=192.0.2.10") ? "reply 500" : "reply 482");
  }
  bed.view.names["hairpin.example"] = at("192.0.2.10:5060");
  EXPECT_EQ(bed.from_backend(m0.with_uri("sip:x@hairpin.example")).verdict(), "reply 482");
}

TEST_F(Routing, SomeAddressesAreNoNextHop) {  // TGT-12
  for (const char* host : {"255.255.255.255", "224.0.1.75", "127.0.0.1", "0.0.0.0", "169.254.1.1", "[ff02::1]", "[::1]",
                           "[::]", "[fe80::1]"}) {
    SCOPED_TRACE(std::string("TGT-12 ") + host);
    const Outcome outcome = bed.from_backend(m0.with_uri("sip:x@" + std::string(host)));
    EXPECT_EQ(outcome.verdict(), "reply 403");
    EXPECT_EQ(outcome.reason(), "next_hop_refused");
  }
}

TEST_F(Routing, OtherTransportsAreNotOffered) {  // TGT-13, MIS-05
  for (const char* transport : {"tcp", "TLS", "sctp", "ws"}) {
    SCOPED_TRACE(std::string("TGT-13 ") + transport);
    const Outcome outcome =
        bed.from_backend(m0.with_line("Route: <sip:203.0.113.50;transport=" + std::string(transport) + ";lr>"));
    EXPECT_EQ(outcome.verdict(), "reply 500");
    EXPECT_FALSE(outcome.message.has("Retry-After"));
  }
  EXPECT_EQ(bed.from_backend(m0.with_line("Route: <sip:203.0.113.50;transport=UDP;lr>")).verdict(), "forward");
  EXPECT_EQ(bed.from_alice(bye({"<sips:10.0.1.3;lr>"})).verdict(), "reply 500");
  EXPECT_EQ(bed.from_backend(m0.with_line("Route: <sips:203.0.113.50;lr>")).verdict(), "reply 500");
  for (const char* own_by_tls : {"<sips:192.0.2.10;lr>", "<sips:lb.example.com;lr>"}) {
    EXPECT_EQ(bed.from_alice(bye({own_by_tls})).reason(), "transport_unsupported") << own_by_tls;
    EXPECT_EQ(bed.from_backend(bye({own_by_tls})).verdict(), "reply 500") << "MIS-05: no loop, but TLS";
  }
  EXPECT_EQ(bed.from_backend(m0.with_uri("sip:x@192.0.2.10;transport=tcp")).verdict(), "reply 500");
  EXPECT_EQ(verdict(m0.with_uri("sip:bob@example.com;transport=tcp")), "forward")
      << "who is balanced goes to the backend, not to the URI";
}

}  // namespace
}  // namespace viaduct::test
