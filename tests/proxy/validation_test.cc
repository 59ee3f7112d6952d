// Request validation (VAL), our own answers (LOC), OPTIONS for us (OPT).
#include <set>

#include "proxy/refusal.h"
#include "support/proxy_bed.h"

namespace viaduct::test {
namespace {

class Validation : public ::testing::Test {
 protected:
  Outcome from_alice(const std::string& message) const { return bed.from_alice(message); }
  std::string verdict(const std::string& message) const { return bed.from_alice(message).verdict(); }
  void backends_down() {
    for (proxy::Backend& backend : bed.view.backends) backend.healthy = false;
    bed.finish();
  }
  Bed bed;
};

TEST_F(Validation, TheOrderOfChecksDecidesWhichAnswerWins) {  // VAL-01
  const SipText all = m0.with("Max-Forwards", "0").with_last_line("Proxy-Require: foo");
  EXPECT_EQ(verdict(all.with_uri("foo:bar").with("Content-Length", "x")), "reply 400");
  EXPECT_EQ(verdict(all.with_uri("foo:bar")), "reply 416");
  EXPECT_EQ(verdict(all), "reply 483");
  EXPECT_EQ(verdict(all.with("Max-Forwards", "1")), "reply 420");
  EXPECT_EQ(verdict(m0.with_last_line("Proxy-Require: foo").with_line("Route: <sip:203.0.113.200;lr>")), "reply 420");
}

TEST_F(Validation, UnknownSchemesAreRefused) {  // VAL-02, MIS-05
  EXPECT_EQ(verdict(m0.with_method("OPTIONS").with_uri("nobodyKnowsThisScheme:x")), "reply 416");
  EXPECT_EQ(verdict(m0.with_uri("sips:bob@example.com")), "reply 416");
  EXPECT_EQ(verdict(m0.with_uri("tel:+15551234")), "forward") << "for the backends to understand";
  EXPECT_EQ(bed.from_backend(m0.with_uri("tel:+15551234")).verdict(), "reply 416") << "but nowhere we could send it";
}

TEST_F(Validation, MaxForwardsZeroGoesNoFurther) {  // VAL-03
  EXPECT_EQ(verdict(m0.with("Max-Forwards", "0")), "reply 483");
  EXPECT_EQ(verdict(m0.with("Max-Forwards", "000")), "reply 483");
  EXPECT_EQ(from_alice(m0.without("Max-Forwards")).message.value("Max-Forwards"), "70");
}

TEST_F(Validation, UnknownProxyRequireTagsAreListed) {  // VAL-04
  const Outcome outcome = from_alice(m0.with_last_line("Proxy-Require: foo, bar").with_last_line("Require: 100rel"));
  EXPECT_EQ(outcome.message.start(), "SIP/2.0 420 Bad Extension");
  EXPECT_EQ(outcome.message.value("Unsupported"), "foo, bar");
  EXPECT_EQ(verdict(m0.with_last_line("Require: nobody-knows")), "forward") << "Require is for the other end";
}

TEST_F(Validation, TagsTheClusterUnderstandsAreNotListed) {  // VAL-04, D-15
  bed.view.policy.extensions = {"privacy", "sec-agree"};
  EXPECT_EQ(verdict(m0.with_last_line("Proxy-Require: Privacy")), "forward");
  const Outcome outcome =
      from_alice(m0.with_last_line("Proxy-Require: privacy, foo").with_last_line("Proxy-Require: sec-agree,bar"));
  EXPECT_EQ(outcome.message.value("Unsupported"), "foo, bar");
}

TEST_F(Validation, CancelAndAckMayRequireAnything) {  // VAL-05
  EXPECT_EQ(verdict(cancel_of(m0).with_last_line("Proxy-Require: foo")), "forward");
  EXPECT_EQ(verdict(ack_of(m0, "x").with_last_line("Proxy-Require: foo")), "forward");
}

TEST_F(Validation, MergedRequestsAreNoError) {  // VAL-06
  const Outcome one = from_alice(m0),
                other = from_alice(m0.with("Via", "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKother"));
  EXPECT_TRUE(one.forwarded());
  EXPECT_TRUE(other.forwarded());
  EXPECT_NE(one.branch(), other.branch());
}

TEST_F(Validation, CredentialsAreNotOurBusiness) {  // VAL-07
  const SipText request = m0.with_last_line("Proxy-Authorization: Digest username=\"alice\", realm=\"example.com\"")
                              .with_last_line("Authorization: Digest username=\"alice\"");
  const Outcome sent = from_alice(request);
  EXPECT_EQ(sent.message.values("Proxy-Authorization"), request.values("Proxy-Authorization"));
  EXPECT_EQ(sent.message.values("Authorization"), request.values("Authorization"));
  const SipText challenge = reply_to(sent.message, "401 Unauthorized", "b")
                                .with_last_line("WWW-Authenticate: Digest realm=\"x\", algorithm=SHA-256, nonce=\"1\"")
                                .with_last_line("WWW-Authenticate: Digest realm=\"x\", algorithm=MD5, nonce=\"2\"");
  EXPECT_EQ(bed.send(challenge, b2, inside).message.values("WWW-Authenticate"), challenge.values("WWW-Authenticate"));
}

TEST_F(Validation, OtherVersionsAreRefused) {  // VAL-08
  const Outcome outcome = from_alice(m0.with_start("INVITE sip:bob@example.com SIP/7.0"));
  EXPECT_EQ(outcome.message.start(), "SIP/2.0 505 Version Not Supported");
  EXPECT_EQ(outcome.reason(), "version_unsupported");
}

TEST_F(Validation, LengthsHaveLimits) {  // VAL-09, SEC-11
  EXPECT_EQ(verdict(m0.with_uri("sip:" + std::string(5000, 'a') + "@example.com")), "reply 414");
  EXPECT_EQ(verdict(m0.with_uri("sip:" + std::string(4000, 'a') + "@example.com")), "forward");
  bed.view.policy.message_bytes_max = 400;
  EXPECT_EQ(verdict(m0), "reply 513");
}

TEST_F(Validation, AnAckThatFailsIsDropped) {  // VAL-10
  const SipText ack = ack_of(m0, "x");
  EXPECT_EQ(verdict(ack.with("Max-Forwards", "0")), "drop ack_refused");
  EXPECT_EQ(verdict(ack.with_uri("sips:bob@example.com")), "drop ack_refused");
  EXPECT_EQ(verdict(ack.with("Content-Length", "x")), "drop ack_refused");
  EXPECT_EQ(verdict(ack.with_line("Route: <sip:203.0.113.200;lr>")), "drop ack_refused");
}

TEST_F(Validation, ACancelThatFailsIsDropped) {  // VAL-11, D-04, LOC-07
  const SipText cancel = cancel_of(m0);
  EXPECT_EQ(verdict(m0.with("Max-Forwards", "0")), "reply 483");
  EXPECT_EQ(verdict(cancel.with("Max-Forwards", "0")), "drop cancel_refused");
  EXPECT_EQ(verdict(cancel.with("Content-Length", "x")), "drop cancel_refused");
  EXPECT_EQ(verdict(cancel), "forward");
}

TEST_F(Validation, ForeignDomainsAreRefused) {  // VAL-12, D-05, SEC-23
  const Outcome outcome = bed.send(m0.with_uri("sip:x@other.example"), mallory);
  EXPECT_EQ(outcome.message.start(), "SIP/2.0 403 Domain Not Served");
  EXPECT_EQ(bed.send(m0.with_uri("sip:x@203.0.113.200"), mallory).verdict(), "reply 403");
  bed.listener().domains = {};
  EXPECT_EQ(verdict(m0.with_uri("sip:x@other.example")), "forward") << "without a list every host is served";
}

TEST_F(Validation, ServedAddressesAreComparedInBinary) {  // VAL-12, IP6-03
  bed.listener().domains = {"2001:db8::5", "203.0.113.5", "example.com"};
  for (const char* host : {"[2001:DB8:0:0:0:0:0:5]", "[2001:db8::0005]:5060", "203.0.113.5", "203.0.113.005",
                           "[::ffff:203.0.113.5]", "EXAMPLE.com."}) {
    EXPECT_EQ(verdict(m0.with_uri(std::string("sip:x@") + host)), "forward") << host;
  }
  for (const char* host : {"[2001:db8::6]", "203.0.113.6", "example.com.5"}) {
    EXPECT_NE(verdict(m0.with_uri(std::string("sip:x@") + host)), "forward") << host;
  }
}

TEST_F(Validation, AnAnswerEchoesTheRequest) {  // LOC-01, LOC-10
  const SipText request = m0.with("Max-Forwards", "0")
                              .with_line_at(2, "Via: SIP/2.0/TCP 10.9.9.9;branch=z9hG4bKlow , SIP/2.0/UDP x.example")
                              .with_line_at(4, "Record-Route: <sip:10.9.9.9;lr>");
  const Outcome outcome = from_alice(request);
  const std::vector<std::string> vias = {
      "SIP/2.0/UDP 198.51.100.7:5060;rport=5060;branch=z9hG4bK776asdhds;received=198.51.100.7",
      "SIP/2.0/TCP 10.9.9.9;branch=z9hG4bKlow , SIP/2.0/UDP x.example"};
  EXPECT_EQ(outcome.message.values("Via"), vias);
  EXPECT_EQ(outcome.message.value("From"), request.value("From"));
  EXPECT_EQ(outcome.message.value("Call-ID"), request.value("Call-ID"));
  EXPECT_EQ(outcome.message.value("CSeq"), request.value("CSeq"));
  EXPECT_EQ(outcome.message.value("Content-Length"), "0");
  for (const char* absent : {"Record-Route", "Contact", "Server", "Max-Forwards"})
    EXPECT_FALSE(outcome.message.has(absent));
  bed.view.policy.server = "edge/1";
  EXPECT_EQ(from_alice(request).message.value("Server"), "edge/1");
}

TEST_F(Validation, AnAnswerFoldsNothingIntoNewHeaders) {  // LOC-01, SEC-13
  const SipText request =
      m0.with("Max-Forwards", "0").with("From", "Alice\r\n <sip:alice@example.com>;\r\n\ttag=1928301774");
  EXPECT_EQ(from_alice(request).message.value("From"), "Alice <sip:alice@example.com>; tag=1928301774");
  std::string smuggled = m0.with("From", "<sip:alice@example.com>;tag=1\nEvil: yes").str();
  const Outcome outcome = from_alice(smuggled);
  EXPECT_EQ(outcome.verdict(), "reply 400");
  EXPECT_FALSE(outcome.message.has("Evil"));
}

TEST_F(Validation, AToTagIsKeptOrAdded) {  // LOC-02
  EXPECT_EQ(from_alice(m0.with("Max-Forwards", "0").with("To", "<sip:bob@example.com>;tag=xyz")).message.value("To"),
            "<sip:bob@example.com>;tag=xyz");
  EXPECT_EQ(param(from_alice(m0.with("Max-Forwards", "0")).message.value("To"), "tag").size(), 18u);
  for (const char* to : {"<sip:bob@example.com>;tag=", "<sip:bob@example.com>;x=y; TAG", "sip:bob@example.com;tag =",
                         "\"Bob <sip:bob@example.com>;tag=b", "<sip:b@example.com>;tag=1;tag=2"}) {
    const Outcome outcome = from_alice(m0.with("To", to));
    EXPECT_EQ(outcome.verdict(), "reply 400") << to;
    EXPECT_EQ(outcome.message.value("To"), to) << "no second tag";
  }
  for (const char* to : {"\"a;tag=b\" <sip:bob@example.com;tag=c>;tags=d", "<sip:bob@example.com>;x=\"tag\""}) {
    EXPECT_TRUE(from_alice(m0.with("Max-Forwards", "0").with("To", to))
                    .message.value("To")
                    .starts_with(std::string(to) + ";tag=vd"))
        << to;
  }
}

TEST_F(Validation, TheTagIsAFunctionOfTheTransaction) {  // LOC-03
  const auto tag = [&](const SipText& request, const net::Endpoint& source = alice) {
    return param(bed.send(request.with("Max-Forwards", "0"), source).message.value("To"), "tag");
  };
  const std::string first = tag(m0);
  EXPECT_EQ(tag(m0), first);
  EXPECT_EQ(tag(m0, at("198.51.100.7:6000")), first) << "not of the source port";
  EXPECT_EQ(tag(m0.with("To", "<sip:carol@example.com>")), first) << "not of To";
  EXPECT_EQ(tag(m0.with_method("OPTIONS")), first) << "not of the method";
  std::set<std::string> tags = {first};
  for (const SipText& other :
       {m0.with("Via", "SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bKother"),
        m0.with("Via", "SIP/2.0/UDP 198.51.100.8:5060;rport;branch=z9hG4bK776asdhds"),
        m0.with("Via", "SIP/2.0/UDP 198.51.100.7:5061;rport;branch=z9hG4bK776asdhds"), m0.with("Call-ID", "other"),
        m0.with("CSeq", "314160 INVITE"), m0.with("From", "<sip:alice@example.com>;tag=other")}) {
    EXPECT_TRUE(tags.insert(tag(other)).second) << other.str();
  }
}

TEST_F(Validation, EveryCopyGetsTheSameAnswer) {  // LOC-03, LOC-05
  const std::string request = m0.with("Max-Forwards", "0");
  EXPECT_EQ(from_alice(request).bytes, from_alice(request).bytes);
}

TEST_F(Validation, TheAckToOurAnswerEndsHere) {  // LOC-06, CAN-08
  const std::string tag = param(from_alice(m0.with("Max-Forwards", "0")).message.value("To"), "tag");
  EXPECT_EQ(verdict(ack_of(m0, tag)), "absorb ack_to_own_reply");
  EXPECT_EQ(verdict(ack_of(m0, tag).with("Max-Forwards", "0")), "absorb ack_to_own_reply");
  std::string forged = tag;
  forged.back() = forged.back() == '0' ? '1' : '0';
  EXPECT_EQ(verdict(ack_of(m0, forged)), "forward");
  EXPECT_EQ(verdict(ack_of(m0, tag).with("Call-ID", "other")), "forward");
}

TEST_F(Validation, AnOldTagKeyStillVerifies) {  // LOC-06
  const std::string tag = param(from_alice(m0.with("Max-Forwards", "0")).message.value("To"), "tag");
  bed.view.old_keys = {bed.view.keys};
  bed.view.keys = proxy::derive_keys({99});
  EXPECT_EQ(verdict(ack_of(m0, tag)), "absorb ack_to_own_reply");
  EXPECT_NE(param(from_alice(m0.with("Max-Forwards", "0")).message.value("To"), "tag"), tag);
}

TEST_F(Validation, TheAckOfARefusedReinviteCannotBeTold) {  // LOC-08
  const SipText reinvite = m0.with("To", "<sip:bob@example.com>;tag=bobs").with("Max-Forwards", "0");
  EXPECT_EQ(verdict(reinvite), "reply 483");
  EXPECT_EQ(verdict(ack_of(m0, "bobs")), "forward") << "it looks like the ACK to a backend's answer";
}

TEST_F(Validation, AnswersGoToTheSourceFromTheArrivalSocket) {  // LOC-09
  const SipText request =
      m0.with("Max-Forwards", "0").with("Via", "SIP/2.0/UDP 192.168.1.7:5060;rport;branch=z9hG4bKn");
  const Outcome outcome = bed.send(request, nadia);
  EXPECT_EQ(outcome.decision.destination, nadia);
  EXPECT_EQ(outcome.decision.socket, outside);
  const Outcome without_rport =
      bed.send(m0.with("Max-Forwards", "0").with("Via", "SIP/2.0/UDP 192.168.1.7:5062;branch=z9hG4bKn"), nadia);
  EXPECT_EQ(without_rport.decision.destination, at("203.0.113.9:5062"));
}

TEST_F(Validation, IncompleteRequestsAreAnsweredWithWhatThereIs) {  // LOC-13
  const SipText insufficient = m0.without("To").without("From").without("Call-ID");
  const Outcome outcome = from_alice(insufficient);
  EXPECT_EQ(outcome.verdict(), "reply 400");
  EXPECT_TRUE(outcome.message.has("Via"));
  EXPECT_TRUE(outcome.message.has("CSeq"));
  EXPECT_FALSE(outcome.message.has("To"));
  bed.view.policy.answer_incomplete = false;
  EXPECT_EQ(verdict(insufficient), "drop unanswerable_request");
}

TEST_F(Validation, AnswersAreNotMuchLargerThanTheRequest) {  // LOC-14, SEC-24
  // The bound itself is held for every message of every test by `decide_and_apply`. Here: who would exceed it is not
  // answered.
  const std::string tiny = sip_text(
      "OPTIONS sip:192.0.2.10 SIP/2.0\nv:SIP/2.0/UDP a;rport\nt:<sip:a>\nf:<sip:a>;tag=1\ni:1\nCSeq:1 OPTIONS\n\n");
  const Outcome fits = bed.send(tiny, at("1.2.3.4:5060"));
  EXPECT_EQ(fits.verdict(), "reply 200");
  EXPECT_LE(fits.bytes.size(), tiny.size() + 160);
  std::string many = "Proxy-Require:a";
  for (int i = 0; i < 400; ++i) many += ",a";
  EXPECT_EQ(bed.send(replace_all(tiny, "i:1\r\n", "i:1\r\n" + many + "\r\n"), at("1.2.3.4:5060")).verdict(),
            "drop reply_too_large");
}

TEST_F(Validation, WhatAdornsAnAnswerIsLeftOutWhereThereIsNoRoom) {  // LOC-10, LOC-14, OPT-01, VAL-04
  const std::string options = sip_text(
      "OPTIONS sip:[2001:db8::10] SIP/2.0\nv:SIP/2.0/UDP a;rport\nt:<sip:a>\nf:<sip:a>;tag=1\ni:1\nCSeq:1 OPTIONS\n\n");
  const std::string invite = replace_all(
      replace_all(options, "OPTIONS sip:[2001:db8::10]", "INVITE sip:bob@example.com"), "OPTIONS", "INVITE");
  const std::string extended = replace_all(invite, "i:1", "i:1\r\nProxy-Require:x");
  for (size_t size = 1; size <= 64; ++size) {
    bed.view.policy.server = std::string(size, 's');
    EXPECT_EQ(bed.send(options, alice6, outside6).verdict(), "reply 200") << size;
    const Outcome refused = bed.send(extended, alice6, outside6);
    EXPECT_EQ(refused.verdict(), "reply 420") << size;
    EXPECT_EQ(refused.message.value("Unsupported"), "x") << "what is needed stays";
  }
  const Outcome bare = bed.send(options, alice6, outside6);
  EXPECT_FALSE(bare.message.has("Server"));
  EXPECT_TRUE(bed.from_alice(m0.with("Max-Forwards", "0")).message.has("Server")) << "where there is room";
}

TEST_F(Validation, WithoutBackendsThereIsA503WithRetryAfter) {  // LOC-16, LBG-10
  backends_down();
  const Outcome outcome = from_alice(m0);
  EXPECT_EQ(outcome.message.start(), "SIP/2.0 503 Service Unavailable");
  EXPECT_EQ(outcome.message.value("Retry-After"), "5");
  EXPECT_EQ(outcome.reason(), "no_backend");
  EXPECT_EQ(verdict(ack_of(m0, "x")), "drop ack_refused");
}

TEST_F(Validation, NoCodeOutsideTheTable) {  // LOC-04, LOC-11, LOC-12
  const std::set<uint16_t> table = {200, 400, 403, 414, 416, 420, 421, 430, 482, 483, 500, 501, 503, 505, 513};
  for (size_t i = 0; i < telemetry::reason_count; ++i) {
    const auto reason = static_cast<telemetry::Reason>(i);
    SCOPED_TRACE(telemetry::text_of(reason).name);
    if (telemetry::text_of(reason).term != telemetry::LedgerTerm::replied) continue;
    EXPECT_TRUE(table.contains(proxy::refusal_for(reason).status));
  }
  size_t answers = 0;
  for (const char* line : {"Proxy-Require: x", "Route: <sip:203.0.113.200;lr>", "Route: <sip:x@192.0.2.10;lr>",
                           "To: <sip:x>", "Call-ID: y", "Broken", "Max-Forwards: 0", "Content-Length: 3", "Via: ,"}) {
    for (const char* uri : {"sip:bob@example.com", "sips:bob@example.com", "x:y", "sip:192.0.2.10", "sip:a@b@c",
                            "sip:a@h;maddr=1.2.3.4"}) {
      for (const char* method : {"INVITE", "OPTIONS", "REGISTER", "NEW", "BYE"}) {
        const Outcome outcome = from_alice(m0.with_method(method).with_uri(uri).with_line(line));
        if (!outcome.replied()) continue;
        ++answers;
        EXPECT_TRUE(table.contains(outcome.decision.status)) << outcome.message.start();
      }
    }
  }
  EXPECT_GT(answers, 150u);
}

TEST_F(Validation, OptionsForUsAreAnswered) {  // OPT-01, OPT-02
  for (const char* uri :
       {"sip:192.0.2.10", "sip:lb.example.com:5060", "sip:LB.example.com", "sip:192.0.2.10:5060;transport=udp"}) {
    const Outcome outcome = from_alice(m0.with_method("OPTIONS").with_uri(uri));
    EXPECT_EQ(outcome.message.start(), "SIP/2.0 200 OK") << uri;
    for (const char* header : {"Accept", "Accept-Encoding", "Accept-Language", "Supported"})
      EXPECT_TRUE(outcome.message.has(header));
    EXPECT_FALSE(outcome.message.has("Allow"));
    EXPECT_EQ(outcome.message.value("Content-Length"), "0");
  }
}

TEST_F(Validation, OptionsAreToldWhatAnInviteWouldBe) {  // OPT-03
  EXPECT_EQ(verdict(m0.with_method("OPTIONS").with_uri("sip:192.0.2.10").with_last_line("Require: x")), "reply 420");
  backends_down();
  EXPECT_EQ(verdict(m0.with_method("OPTIONS").with_uri("sip:192.0.2.10")), "reply 503");
}

TEST_F(Validation, OptionsForOthersAreBalanced) {  // OPT-04
  EXPECT_EQ(verdict(m0.with_method("OPTIONS").with_uri("sip:example.com")), "forward");
  EXPECT_EQ(verdict(m0.with_method("OPTIONS").with_uri("sip:bob@example.com")), "forward");
  EXPECT_EQ(verdict(m0.with_method("OPTIONS").with_uri("sip:bob@192.0.2.10")), "forward") << "a user part";
  EXPECT_EQ(verdict(m0.with_method("OPTIONS").with_uri("sip:[2001:db8::10]")), "forward")
      << "TOR-65: not the address it was sent to";
}

TEST_F(Validation, OptionsWithoutHopsLeft) {  // OPT-05
  EXPECT_EQ(verdict(m0.with_method("OPTIONS").with("Max-Forwards", "0")), "reply 483");
  EXPECT_EQ(verdict(m0.with_method("OPTIONS").with_uri("sip:192.0.2.10").with("Max-Forwards", "0")), "reply 200");
}

TEST_F(Validation, AnswersToOurProbesEndHere) {  // OPT-06, RSP-04
  const std::string answer = sip_text(
      "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKprobe\nTo: <sip:b2>;tag=1\n"
      "From: <sip:lb>;tag=2\nCall-ID: probe\nCSeq: 1 OPTIONS\nContent-Length: 0\n\n");
  EXPECT_EQ(bed.send(answer, b2, inside).verdict(), "absorb via_missing_next");
}

}  // namespace
}  // namespace viaduct::test
