// RFC 7339 toward backends, and headers that strangers may not bring.
#include "proxy/overload.h"

#include <gtest/gtest.h>

#include <memory>

#include "support/proxy_bed.h"

namespace viaduct::proxy {
namespace {

using test::Bed;
using test::m0;
using test::Outcome;
using test::SipText;

std::optional<OverloadReport> report_in(const std::string& params) {
  const std::string bytes = m0.with("Via", "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKx" + params).str();
  const auto message = std::make_unique<sip::Message>();
  sip::parse(bytes, *message);
  EXPECT_EQ(message->fault, sip::Fault::none) << params;
  return read_overload(message->bytes, message->via[0]);
}

TEST(OverloadParams, AreReadAsTheyAreWritten) {  // OVL-03
  const auto whole = report_in(";oc=20;oc-algo=\"loss\";oc-validity=700;oc-seq=1282321615.782");
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->percent, 20U);
  EXPECT_EQ(whole->validity_ms, 700U);
  EXPECT_EQ(whole->sequence, 128232161578200U);
  EXPECT_EQ(report_in(";oc=20")->validity_ms, 500U) << "RFC 7339 section 4.3";
  EXPECT_EQ(report_in("; OC = 7 ;Oc-Seq=5")->percent, 7U);
  EXPECT_EQ(report_in(";oc=7;oc-seq=5")->sequence, 500000U);
  EXPECT_EQ(report_in(";x=\";oc=99\";oc=7")->percent, 7U);
  EXPECT_EQ(report_in(";oc=7;oc-validity=99999999")->validity_ms, OverloadReport::validity_max_ms);
  const auto relief = report_in(";oc=30;oc-validity=0;oc-seq=6");
  ASSERT_TRUE(relief);
  EXPECT_EQ(relief->percent, 0U) << "RFC 7339 section 5.7";
}

TEST(OverloadParams, ThatCannotBeObeyedAreNot) {  // OVL-03
  for (const char* params : {"", ";oc", ";oc;oc-algo=\"loss\"", ";oc=101", ";oc=x", ";oc=5;oc-algo=\"rate\"",
                             ";oc-validity=500", ";oc=5;oc-seq=1234567890123", ";oc=5;oc-seq=1.123456", ";oc=-5"}) {
    EXPECT_FALSE(report_in(params)) << params;
  }
}

class Feedbacks : public ::testing::Test {
 protected:
  Bed bed;
  Feedback feedback{bed.view};
};

// OVL-03, RFC 7339 sections 4.4 and 5.4
TEST_F(Feedbacks, NumbersGoUpAndWishesEnd) {
  EXPECT_TRUE(feedback.idle(1));
  EXPECT_TRUE(feedback.take(1, {.percent = 20, .validity_ms = 500, .sequence = 500000}, 1000));
  EXPECT_EQ(feedback.percent(1, 1499), 20U);
  EXPECT_EQ(feedback.percent(1, 1500), 0U);
  EXPECT_EQ(feedback.percent(0, 1000), 0U);
  EXPECT_FALSE(feedback.idle(1499));
  EXPECT_TRUE(feedback.idle(1500));
  EXPECT_FALSE(feedback.take(1, {.percent = 90, .validity_ms = 500, .sequence = 400000}, 1100)) << "a late response";
  EXPECT_FALSE(feedback.take(1, {.percent = 90, .validity_ms = 500, .sequence = 500000}, 1200)) << "and no longer";
  EXPECT_EQ(feedback.percent(1, 1300), 20U);
  EXPECT_EQ(feedback.percent(1, 1500), 0U);
  EXPECT_TRUE(feedback.take(1, {.percent = 10, .validity_ms = 500, .sequence = 400000}, 1600)) << "all is forgotten";
  EXPECT_TRUE(feedback.take(1, {.percent = 30, .validity_ms = 500, .sequence = 400001}, 1700));
  EXPECT_EQ(feedback.percent(1, 1700), 30U);
  // Relief, which a late response does not revoke.
  EXPECT_TRUE(feedback.take(1, {.percent = 0, .validity_ms = 0, .sequence = 400002}, 1800));
  EXPECT_EQ(feedback.percent(1, 1800), 0U);
  EXPECT_FALSE(feedback.take(1, {.percent = 30, .validity_ms = 500, .sequence = 400001}, 1900));
  // A counter that has begun anew.
  EXPECT_TRUE(feedback.take(2, {.percent = 40, .validity_ms = 500, .sequence = 128232161578200}, 1000));
  EXPECT_TRUE(feedback.take(2, {.percent = 41, .validity_ms = 500, .sequence = 100000}, 1100));
  EXPECT_EQ(feedback.percent(2, 1100), 41U);
  EXPECT_FALSE(feedback.take(77, {.percent = 40, .validity_ms = 500, .sequence = 1}, 1000));
}

TEST_F(Feedbacks, StayWithTheirAddresses) {  // OVL-03
  feedback.take(1, {.percent = 20, .validity_ms = 500, .sequence = 5}, 1000);
  EXPECT_TRUE(feedback.fits(bed.view));
  View other = bed.view;
  std::swap(other.backends[1].address, other.backends[2].address);
  EXPECT_FALSE(feedback.fits(other));
  const Feedback next(other, &feedback);
  EXPECT_EQ(next.percent(2, 1100), 20U);
  EXPECT_EQ(next.percent(1, 1100), 0U);
  EXPECT_FALSE(next.idle(1100));
}

class Participating : public ::testing::Test {
 protected:
  Participating() {
    bed.view.pools[0].feedback = true;
    bed.finish();
  }
  Bed bed;
};

// OVL-02
TEST_F(Participating, OurViaAsksBackendsAndNobodyElse) {
  const Outcome sent = bed.from_alice(m0);
  ASSERT_TRUE(sent.forwarded());
  EXPECT_TRUE(sent.via(0).ends_with(";oc;oc-algo=\"loss\"")) << sent.via(0);
  EXPECT_EQ(sent.via(0).find("oc-validity"), std::string::npos);
  EXPECT_EQ(sent.via(0).find("oc-seq"), std::string::npos);
  for (const SipText& more : {test::cancel_of(m0), test::ack_of(m0, "x")}) {
    EXPECT_TRUE(bed.from_alice(more).via(0).ends_with(";oc;oc-algo=\"loss\"")) << "in every request";
  }
  const Outcome out = bed.from_backend(m0.with_start("INVITE sip:bob@203.0.113.50:5060 SIP/2.0"));
  ASSERT_TRUE(out.forwarded());
  EXPECT_EQ(out.via(0).find(";oc"), std::string::npos) << out.via(0);
  EXPECT_EQ(Bed().from_alice(m0).via(0).find(";oc"), std::string::npos) << "OVL-01";
}

// OVL-04
TEST_F(Participating, WhatAClientSaysOfOverloadEndsHere) {
  for (const char* via : {"SIP/2.0/UDP 198.51.100.7:5060;oc;rport;oc-algo=\"loss,A\";branch=z9hG4bK776asdhds",
                          "SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bK776asdhds;oc=99;oc-validity=5000"
                          ";oc-seq=1.1",
                          "SIP/2.0/UDP 198.51.100.7:5060 ; OC ;rport;branch=z9hG4bK776asdhds; Oc-Algo = \"x;oc=1\""}) {
    const Outcome sent = bed.from_alice(m0.with("Via", via));
    ASSERT_TRUE(sent.forwarded()) << via;
    EXPECT_EQ(sent.via(1).find("oc"), std::string::npos) << sent.via(1);
    EXPECT_EQ(sent.via(1).find("Oc"), std::string::npos) << sent.via(1);
    EXPECT_EQ(sent.via(1).find("OC"), std::string::npos) << sent.via(1);
    EXPECT_EQ(test::param(sent.via(1), "branch"), "z9hG4bK776asdhds");
    EXPECT_EQ(test::param(sent.via(1), "received"), "198.51.100.7");
    const Outcome plain = Bed().from_alice(m0.with("Via", via));
    EXPECT_NE(test::replace_all(plain.via(1), "OC", "oc").find("oc"), std::string::npos) << "OVL-01";
    EXPECT_EQ(plain.branch(), sent.branch());
  }
}

// OVL-03, OVL-04: read from our own Via; what stands below it goes no further.
TEST_F(Participating, ResponsesCarryNothingOfItToTheClient) {
  const Outcome sent = bed.from_alice(m0);
  const std::string answer = test::reply_to(sent.message, "180 Ringing", "x").str();
  const std::string told = test::replace_all(answer, ";oc;oc-algo=\"loss\"", ";oc=20;oc-algo=\"loss\";oc-seq=5.0");
  ASSERT_NE(told, answer);
  const std::string both =
      test::replace_all(told, ";branch=z9hG4bK776asdhds", ";oc=99;branch=z9hG4bK776asdhds;oc-seq=9.9");
  for (const std::string& text : {told, both}) {
    const Outcome back = bed.from_backend(text, bed.view.backends[sent.decision.backend].address);
    ASSERT_TRUE(back.forwarded()) << back.verdict();
    EXPECT_EQ(back.bytes.find("oc"), std::string::npos) << back.bytes;
  }
}

// SEC-29
class Stripping : public ::testing::Test {
 protected:
  Stripping() {
    bed.listener().strip = {{"p-asserted-identity", 0}, {"identity", 'y'}};
    bed.finish();
  }
  static SipText forged() {
    return m0.with_line("P-Asserted-Identity: <sip:ceo@example.com>")
        .with_line("p-asserted-IDENTITY : <tel:+15551>,\r\n <sip:x@example.com>")
        .with_line("y: aaa;info=<x>;alg=ES256")
        .with_line("P-Asserted-Identity-Not: stays")
        .with_line("Identity: bbb");
  }
  Bed bed;
};

TEST_F(Stripping, StrangersBringNoWordsOfTrust) {  // SEC-29
  const Outcome sent = bed.from_alice(forged());
  ASSERT_TRUE(sent.forwarded());
  EXPECT_FALSE(sent.message.has("P-Asserted-Identity")) << sent.bytes;
  EXPECT_FALSE(sent.message.has("Identity"));
  EXPECT_FALSE(sent.message.has("y"));
  EXPECT_EQ(sent.bytes.find("+15551"), std::string::npos);
  EXPECT_EQ(sent.bytes.find("sip:x@example.com"), std::string::npos) << "and its continuation";
  EXPECT_EQ(sent.message.value("P-Asserted-Identity-Not"), "stays");
  EXPECT_EQ(sent.message.value("Contact"), m0.value("Contact"));
}

TEST_F(Stripping, ByDefaultAndFromBackendsEverythingPasses) {  // SEC-29, FWD-01
  const Outcome plain = Bed().from_alice(forged());
  EXPECT_NE(plain.bytes.find("P-Asserted-Identity: <sip:ceo@example.com>"), std::string::npos);
  const Outcome out = bed.from_backend(forged().with_start("INVITE sip:bob@203.0.113.50:5060 SIP/2.0"));
  ASSERT_TRUE(out.forwarded());
  EXPECT_NE(out.bytes.find("P-Asserted-Identity: <sip:ceo@example.com>"), std::string::npos);
}

TEST_F(Stripping, AnswersOfStrangersAreNoExceptions) {  // SEC-29
  const Outcome out = bed.from_backend(m0.with_start("INVITE sip:bob@203.0.113.50:5060 SIP/2.0"));
  ASSERT_TRUE(out.forwarded());
  const SipText answer =
      test::reply_to(out.message, "200 OK", "x").with_line("P-Asserted-Identity: <sip:ceo@example.com>");
  const Outcome back = bed.send(answer, test::bob);
  ASSERT_TRUE(back.forwarded()) << back.verdict();
  EXPECT_FALSE(back.message.has("P-Asserted-Identity")) << back.bytes;
}

TEST_F(Stripping, AThousandRowsAreOneEdit) {  // SEC-29
  SipText many = m0;
  std::string rows;
  for (int i = 0; i < 400; ++i) rows += "P-Asserted-Identity: <sip:ceo@example.com>\r\n";
  const std::string text = test::replace_all(m0.str(), "Contact:", rows + "Contact:");
  const Outcome sent = bed.from_alice(text);
  ASSERT_TRUE(sent.forwarded()) << sent.verdict();
  EXPECT_FALSE(sent.message.has("P-Asserted-Identity"));
}

}  // namespace
}  // namespace viaduct::proxy
