// Record-Route (RRT), Path and flow tokens (NAT), affinity of dialogs (AFF).
#include "support/proxy_bed.h"

namespace viaduct::test {
namespace {

class StayingInPath : public ::testing::Test {
 protected:
  Outcome from_alice(const std::string& message) const { return bed.from_alice(message); }
  std::vector<std::string> record_route(const SipText& message) const {
    return from_alice(message).message.values("Record-Route");
  }
  SipText in_dialog(const std::string& method, const std::vector<std::string>& routes) const {
    SipText message = m0.with_method(method).with_uri("sip:bob@203.0.113.50").with("To", "<sip:bob@example.com>;tag=b");
    for (size_t i = routes.size(); i-- > 0;) message = message.with_line_at(2, "Route: " + routes[i]);
    return message;
  }
  void take_down(uint16_t backend, proxy::OperatorState state, bool healthy) {
    bed.view.backends[backend].state = state;
    bed.view.backends[backend].healthy = healthy;
    bed.finish();
  }
  Bed bed;
};

const SipText reg = SipText(sip_text(R"(
REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/UDP 192.168.1.7:5060;rport;branch=z9hG4bKnadia1
Max-Forwards: 70
To: <sip:nadia@example.com>
From: <sip:nadia@example.com>;tag=n1
Call-ID: nadia-reg-1@192.168.1.7
CSeq: 1 REGISTER
Contact: <sip:nadia@192.168.1.7:5060>;reg-id=1
Supported: path, outbound
Content-Length: 0

)"));

TEST_F(StayingInPath, OurValuesStandAboveAllOthers) {  // RRT-01, RRT-02, RRT-03, RRT-04
  const auto values = record_route(m0.with_line_at(3, "Record-Route: <sip:10.9.9.9;lr>"));
  ASSERT_EQ(values.size(), 3u);
  EXPECT_TRUE(values[0].starts_with("<sip:10.0.0.1:5060;lr;vd=")) << values[0];
  EXPECT_NE(values[1].find("@192.0.2.10:5060;lr;vd="), std::string::npos) << values[1];
  EXPECT_EQ(values[2], "<sip:10.9.9.9;lr>");
  EXPECT_EQ((values[0] + values[1]).find("transport"), std::string::npos);
  const auto outward = bed.from_backend(m0.with_uri("sip:bob@203.0.113.50")).message.values("Record-Route");
  ASSERT_EQ(outward.size(), 2u);
  EXPECT_NE(outward[0].find("@192.0.2.10:5060;lr;vd="), std::string::npos) << "the side it leaves by on top";
  EXPECT_TRUE(outward[1].starts_with("<sip:10.0.0.1:5060;lr;vd=")) << outward[1];
}

TEST_F(StayingInPath, OneNetworkMakesOneValue) {  // RRT-05
  const Bed one(Bed::Homes::one);
  const auto inward = one.from_alice(m0).message.values("Record-Route");
  ASSERT_EQ(inward.size(), 1u);
  EXPECT_NE(inward[0].find("@192.0.2.10:5060;lr;vd="), std::string::npos);
  EXPECT_EQ(one.send(m0.with_uri("sip:bob@203.0.113.50"), b0, outside).message.values("Record-Route").size(), 1u);
}

TEST_F(StayingInPath, OneNetworkCarriesAWholeDialog) {  // RRT-05, LBG-13, NAT-09
  const Bed one(Bed::Homes::one);
  const std::string own = one.from_alice(m0).message.value("Record-Route");
  const Outcome bye = one.from_alice(in_dialog("BYE", {own, "<sip:10.0.1.3;lr>"}));
  EXPECT_EQ(bye.decision.destination, b2);
  EXPECT_EQ(one.from_alice(in_dialog("BYE", {own})).decision.destination, b2)
      << "by the cookie, where the backend hides";
  const Outcome back = one.send(in_dialog("BYE", {own}).with_uri("sip:alice@192.168.0.1"), b2, outside);
  EXPECT_EQ(back.decision.destination, alice) << "by the flow";
}

TEST_F(StayingInPath, SomeMethodsGetItAndSomeDoNot) {  // RRT-06, RRT-07
  for (const char* method : {"INVITE", "SUBSCRIBE", "NOTIFY", "REFER", "NEWMETHOD"}) {
    EXPECT_EQ(record_route(m0.with_method(method)).size(), 2u) << method;
  }
  for (const char* method :
       {"REGISTER", "ACK", "CANCEL", "BYE", "OPTIONS", "MESSAGE", "INFO", "UPDATE", "PRACK", "PUBLISH"}) {
    EXPECT_EQ(record_route(m0.with_method(method)).size(), 0u) << method;
  }
  const std::string tagged = "<sip:bob@example.com>;tag=b";
  EXPECT_EQ(record_route(m0.with("To", tagged)).size(), 0u) << "in a dialog";
  EXPECT_EQ(record_route(m0.with_method("NOTIFY").with("To", tagged)).size(), 2u)
      << "a NOTIFY can establish the dialog";
  bed.listener().record_route = false;
  EXPECT_EQ(record_route(m0).size(), 0u);
  EXPECT_EQ(bed.from_backend(m0.with_method("NOTIFY").with_uri("sip:nadia@203.0.113.9"))
                .message.values("Record-Route")
                .size(),
            0u)
      << "both or neither";
}

TEST_F(StayingInPath, TheCookieIsPartOfTheUri) {  // RRT-09
  for (const std::string& value : record_route(m0)) {
    EXPECT_EQ(value.find(";vd="), value.rfind(";vd="));
    EXPECT_TRUE(value.ends_with(">"));
    EXPECT_LT(value.find(";vd="), value.find('>'));
  }
}

TEST_F(StayingInPath, TheCookieIsForOneCallOnly) {  // RRT-10
  const auto own = record_route(m0);
  const SipText bye = in_dialog("BYE", {own[1], own[0]});
  EXPECT_EQ(from_alice(bye).verdict(), "forward");
  EXPECT_EQ(from_alice(bye.with("Call-ID", "another")).verdict(), "reply 403");
  EXPECT_EQ(bed.from_backend(bye.with("Call-ID", "another"), b2).decision.destination, alice)
      << "from inside: as if there were none";
  const std::string cookie = param(own[0], "vd");
  for (size_t i = 0; i < cookie.size(); ++i) {
    std::string flipped = cookie;
    flipped[i] = flipped[i] == 'a' ? 'q' : 'a';
    EXPECT_EQ(from_alice(in_dialog("BYE", {replace_all(own[1], cookie, flipped), own[0]})).verdict(), "reply 403")
        << flipped;
  }
  EXPECT_EQ(from_alice(in_dialog("BYE", {replace_all(own[1], cookie, cookie + "a"), own[0]})).verdict(), "reply 403");
}

TEST_F(StayingInPath, OldKeysStillVerify) {  // RRT-11
  const auto own = record_route(m0);
  bed.view.old_keys = {bed.view.keys};
  bed.view.keys = proxy::derive_keys({99});
  bed.finish();
  EXPECT_EQ(from_alice(in_dialog("BYE", {own[1], own[0]})).decision.destination, b2);
  EXPECT_EQ(bed.from_backend(in_dialog("BYE", {own[0], own[1]}), b2).decision.destination, alice);
  EXPECT_NE(record_route(m0), own) << "and new ones are signed with the new key";
  bed.view.old_keys.clear();
  EXPECT_EQ(from_alice(in_dialog("BYE", {own[1], own[0]})).verdict(), "reply 403");
}

TEST_F(StayingInPath, PathIsInsertedWhereItIsWanted) {  // NAT-01, NAT-02, NAT-03, D-14
  const SipText without = reg.with("Supported", "outbound");
  EXPECT_FALSE(bed.send(reg, nadia).message.has("Path")) << "off: a REGISTER passes untouched";
  bed.listener().path = proxy::PathMode::auto_;
  const Outcome refused = bed.send(without, nadia);
  EXPECT_EQ(refused.message.start(), "SIP/2.0 421 Extension Required");
  EXPECT_EQ(refused.message.value("Require"), "path");
  EXPECT_EQ(bed.send(reg.without("Supported"), nadia).verdict(), "reply 421");
  const auto path =
      bed.send(reg.with_line_at(2, "Path: <sip:p1.example;lr>").with("Supported", "outbound, PATH"), nadia)
          .message.values("Path");
  ASSERT_EQ(path.size(), 3u);
  EXPECT_EQ(path[0], "<sip:10.0.0.1:5060;lr>");
  EXPECT_NE(path[1].find("@192.0.2.10:5060;lr>"), std::string::npos);
  EXPECT_EQ(path[2], "<sip:p1.example;lr>");
  EXPECT_FALSE(bed.send(reg, nadia).message.has("Require"));
  bed.listener().require_path = true;
  EXPECT_EQ(bed.send(reg, nadia).message.value("Require"), "path");
  bed.listener().path = proxy::PathMode::force;
  EXPECT_EQ(bed.send(without, nadia).message.values("Path").size(), 2u);
  EXPECT_FALSE(bed.from_backend(reg.with_uri("sip:203.0.113.50")).message.has("Path"))
      << "nobody registers from inside through us";
  EXPECT_FALSE(from_alice(m0).message.has("Path"));
}

TEST_F(StayingInPath, AFlowTokenIsFollowedFromInside) {  // NAT-07, NAT-08, NAT-14, TGT-01
  bed.listener().path = proxy::PathMode::force;
  const auto path = bed.send(reg, nadia).message.values("Path");
  const SipText call = m0.with_uri("sip:nadia@192.168.1.7:5060").with_line_at(2, "Route: " + path[0] + ", " + path[1]);
  const Outcome outcome = bed.from_backend(call);
  EXPECT_EQ(outcome.decision.destination, nadia);
  EXPECT_EQ(outcome.decision.socket, outside);
  EXPECT_FALSE(outcome.message.has("Route"));
  EXPECT_EQ(outcome.message.start(), call.start());
  const std::string token = path[1].substr(5, path[1].find('@') - 5);
  EXPECT_NE(outcome.message.values("Record-Route")[0].find(token), std::string::npos) << "NAT-08";
  EXPECT_EQ(outcome.message.values("Record-Route")[0].find(";ob"), std::string::npos);
}

TEST_F(StayingInPath, AFlowTokenFromOutsideIsNoDestination) {  // NAT-09, NAT-10
  const auto own =
      bed.send(m0.with("Via", "SIP/2.0/UDP 192.168.1.7;rport;branch=z9hG4bKn"), nadia).message.values("Record-Route");
  const SipText bye = in_dialog("BYE", {own[1], own[0], "<sip:10.0.1.3;lr>"});
  EXPECT_EQ(bed.send(bye, nadia).decision.destination, b2);
  EXPECT_EQ(bed.send(bye, at("203.0.113.9:50999")).decision.destination, b2) << "a NAT that has rebound";
  EXPECT_EQ(bed.send(bye, mallory).decision.destination, b2);
}

TEST_F(StayingInPath,
       AClientThatIsGoneIsNotOurBusiness) {  // NAT-12: one datagram to where it was, and nothing to the backend
  const auto own = bed.send(m0, nadia).message.values("Record-Route");
  EXPECT_EQ(bed.from_backend(in_dialog("BYE", {own[0], own[1]}), b2).decision.destination, nadia);
}

TEST_F(StayingInPath, RegistrationsStickByCallId) {  // AFF-01, AFF-02
  for (int cseq = 1; cseq <= 100; ++cseq) {
    const std::string n = std::to_string(cseq);
    const Outcome outcome = bed.send(reg.with("CSeq", n + " REGISTER")
                                         .with("Via", "SIP/2.0/UDP 192.168.1.7;rport;branch=z9hG4bK" + n)
                                         .with_last_line("Authorization: Digest nonce=\"" + n + "\""),
                                     nadia);
    EXPECT_EQ(outcome.decision.destination, b2);
  }
}

TEST_F(StayingInPath, PhonesOfOneAddressOfRecordMeet) {  // AFF-03
  bed.view.pools[0].key = proxy::PoolKey::aor;
  for (int user = 0; user < 20; ++user) {
    const std::string name = "user" + std::to_string(user);
    const auto backend = [&](const SipText& message) { return bed.send(message, nadia).decision.backend; };
    const SipText desk = reg.with("To", "<sip:" + name + "@example.com>"),
                  mobile = desk.with("Call-ID", "mobile")
                               .with("To", "\"" + name + "\" <SIP:" + name + "@EXAMPLE.com:5060;transport=udp>;x=y");
    EXPECT_EQ(backend(desk), backend(mobile));
    EXPECT_EQ(backend(desk), backend(m0.with_uri("sip:" + name + "@example.com;user=phone")));
    EXPECT_EQ(backend(desk), backend(m0.with_uri("sip:%75ser" + std::to_string(user) + "@example.com")));
  }
}

TEST_F(StayingInPath, AHostIsOneHoweverItIsWritten) {  // AFF-03, IP6-03
  bed.listener().domains = {};
  for (const proxy::PoolKey key :
       {proxy::PoolKey::aor, proxy::PoolKey::from, proxy::PoolKey::to, proxy::PoolKey::request_uri}) {
    bed.view.pools[0].key = key;
    const auto hash = [&](const std::string& host) {
      const std::string uri = "sip:carol@" + host;
      return from_alice(m0.with_uri(uri).with("From", "<" + uri + ">;tag=1").with("To", "<" + uri + ">")).decision.hash;
    };
    const std::string key_is = "key " + std::to_string(static_cast<int>(key));
    EXPECT_EQ(hash("example.com."), hash("Example.com")) << key_is;
    EXPECT_EQ(hash("[2001:DB8:0::99]"), hash("[2001:db8::99]")) << key_is;
    EXPECT_EQ(hash("[2001:db8::0.0.0.153]:5060"), hash("[2001:db8::99]")) << key_is;
    EXPECT_EQ(hash("[::ffff:192.0.2.99]"), hash("192.0.2.99")) << key_is;
    EXPECT_NE(hash("[2001:db8::99]"), hash("[2001:db8::98]")) << key_is;
    EXPECT_NE(hash("192.0.2.99"), hash("192.0.2.98")) << key_is;
    EXPECT_NE(hash("example.com"), hash("example.org")) << key_is;
  }
}

TEST_F(StayingInPath, DialogsFollowTheirRoute) {  // AFF-04, AFF-05, AFF-06
  const auto own = record_route(m0);
  const SipText bye = in_dialog("BYE", {own[1], own[0], "<sip:10.0.1.3;lr>"});
  bed.view.backends[2].weight = 0;  // whatever the hash says now
  bed.finish();
  EXPECT_NE(from_alice(m0).decision.destination, b2);
  EXPECT_EQ(from_alice(bye).decision.destination, b2);
  EXPECT_EQ(from_alice(in_dialog("BYE", {own[1], own[0]}).with_uri("sip:192.0.2.10")).decision.destination, b2)
      << "AFF-05: a B2BUA behind our address";
  EXPECT_EQ(from_alice(in_dialog("BYE", {own[1], own[0]})).decision.destination, b2) << "whatever its Contact";
  // B0 calls Bob with a Call-ID whose hash is not B0's; Bob hangs up.
  const Outcome call = bed.from_backend(m0.with_uri("sip:bob@203.0.113.50"), b0);
  const auto bobs = call.message.values("Record-Route");
  EXPECT_EQ(bed.send(in_dialog("BYE", {bobs[0], bobs[1]}).with_uri("sip:b0@10.0.1.1"), bob).decision.destination, b0)
      << "AFF-06";
}

TEST_F(StayingInPath, TheCookieOutlivesAReorderedConfiguration) {  // RRT-10, RRT-03
  const auto own = record_route(m0);
  std::swap(bed.view.backends[0], bed.view.backends[2]);
  bed.finish();
  EXPECT_EQ(from_alice(in_dialog("BYE", {own[1], own[0]})).decision.destination, b2);
  bed.view.backends[0].address = at("10.0.1.33:5060");
  bed.finish();
  EXPECT_EQ(from_alice(in_dialog("BYE", {own[1], own[0]})).decision.destination, at("10.0.1.33:5060"))
      << "a moved backend keeps its calls";
  bed.view.sockets.insert(bed.view.sockets.begin(), {.address = at("192.0.2.99:5060"), .listener = 0});
  bed.finish();
  EXPECT_EQ(bed.send(in_dialog("BYE", {own[0], own[1]}), b1, 3).decision.destination, alice) << "and tokens theirs";
  EXPECT_EQ(bed.send(in_dialog("BYE", {own[0], own[1]}), b1, 3).decision.socket, 1);
}

TEST_F(StayingInPath, ABackendThatLeftTheConfigurationLosesItsCookie) {  // AFF-09
  const auto own = record_route(m0);
  bed.view.backends[2].name = "new";
  bed.finish();
  const Outcome outcome = from_alice(in_dialog("BYE", {own[1], own[0]}));
  EXPECT_EQ(outcome.verdict(), "forward") << "to whoever the key picks: best effort";
  EXPECT_TRUE(outcome.decision.by_hash);
}

TEST_F(StayingInPath, ANotifyMayComeBeforeThe200) {  // AFF-07
  const SipText subscribe = m0.with_method("SUBSCRIBE").with("Via", "SIP/2.0/UDP 192.168.1.7;rport;branch=z9hG4bKs");
  const auto own = bed.send(subscribe, nadia).message.values("Record-Route");
  const SipText notify = in_dialog("NOTIFY", {own[0], own[1]}).with_uri("sip:nadia@192.168.1.7");
  const Outcome outcome = bed.from_backend(notify, b1);
  EXPECT_EQ(outcome.decision.destination, nadia);
  EXPECT_TRUE(outcome.message.has("Record-Route"));
}

TEST_F(StayingInPath, CallsThatReferToOthersAreSelectedByTheirOwnCallId) {  // AFF-08
  const SipText replacing =
      m0.with("Call-ID", "fresh").with_last_line("Replaces: a84b4c76e66710@198.51.100.7;to-tag=1;from-tag=2");
  EXPECT_EQ(from_alice(replacing).decision.hash, from_alice(m0.with("Call-ID", "fresh")).decision.hash);
}

TEST_F(StayingInPath, WithoutRouteAndCookieTheKeyDecides) {  // AFF-09
  const SipText bye = m0.with_method("BYE").with("To", "<sip:bob@example.com>;tag=b");
  EXPECT_EQ(from_alice(bye).decision.destination, from_alice(m0).decision.destination);
}

TEST_F(StayingInPath, DrainKeepsDialogsAndTakesNoCalls) {  // LBG-02, LBG-08
  const auto own = record_route(m0);
  take_down(2, proxy::OperatorState::drain, true);
  EXPECT_NE(from_alice(m0).decision.destination, b2);
  EXPECT_EQ(from_alice(in_dialog("BYE", {own[1], own[0], "<sip:10.0.1.3;lr>"})).decision.destination, b2);
  EXPECT_EQ(from_alice(in_dialog("BYE", {own[1], own[0]})).decision.destination, b2);
}

TEST_F(StayingInPath, ADeadBackendIsNotReplacedInADialog) {  // LBG-09
  const auto own = record_route(m0);
  for (const auto& [state, healthy] :
       {std::pair(proxy::OperatorState::up, false), std::pair(proxy::OperatorState::down, true)}) {
    take_down(2, state, healthy);
    for (const auto& routes :
         {std::vector<std::string>{own[1], own[0], "<sip:10.0.1.3;lr>"}, std::vector<std::string>{own[1], own[0]}}) {
      const Outcome bye = from_alice(in_dialog("BYE", routes));
      EXPECT_EQ(bye.verdict(), "reply 503");
      EXPECT_FALSE(bye.message.has("Retry-After"));
      EXPECT_EQ(bye.reason(), "backend_down");
      EXPECT_EQ(from_alice(in_dialog("ACK", routes)).verdict(), "drop ack_refused");
    }
  }
}

TEST_F(StayingInPath, ADeadBackendIsReplacedInADialogWhereThePoolSharesWhatItKnows) {  // LBG-09
  const auto own = record_route(m0);
  const auto there = from_alice(in_dialog("BYE", {own[1], own[0]}));
  bed.view.pools[0].failover = true;
  EXPECT_EQ(from_alice(in_dialog("BYE", {own[1], own[0]})).decision.destination, there.decision.destination) << "alive";
  take_down(2, proxy::OperatorState::up, false);
  for (const auto& routes :
       {std::vector<std::string>{own[1], own[0], "<sip:10.0.1.3;lr>"}, std::vector<std::string>{own[1], own[0]}}) {
    const Outcome bye = from_alice(in_dialog("BYE", routes));
    EXPECT_EQ(bye.verdict(), "forward");
    EXPECT_NE(bye.decision.destination, b2);
    EXPECT_EQ(bye.decision.destination, from_alice(m0).decision.destination) << "where a new call of this Call-ID goes";
    for (const char* method : {"ACK", "INVITE", "PRACK"}) {
      EXPECT_EQ(from_alice(in_dialog(method, routes)).decision.destination, bye.decision.destination) << method;
    }
  }
  for (const uint16_t backend : {uint16_t{0}, uint16_t{1}}) take_down(backend, proxy::OperatorState::up, false);
  const Outcome nobody = from_alice(in_dialog("BYE", {own[1], own[0]}));
  EXPECT_EQ(nobody.verdict(), "reply 503");
  EXPECT_TRUE(nobody.message.has("Retry-After")) << "LBG-10";
  EXPECT_EQ(from_alice(in_dialog("ACK", {own[1], own[0]})).verdict(), "drop ack_refused");
}

}  // namespace
}  // namespace viaduct::test
