#include "capture/filter.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "capture/sampling.h"
#include "capture/taps.h"
#include "support/packet_builder.h"

namespace viaduct::capture {
namespace {

using test::endpoint;

const std::string invite =
    "INVITE sip:bob@example.com SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKabc\r\n"
    "From: \"Alice\" <sip:+4930123@example.org>;tag=1\r\n"
    "To: <sip:bob@example.com>\r\n"
    "Call-ID: A84b@host\r\n"
    "CSeq: 1 INVITE\r\n"
    "User-Agent: friendly-scanner\r\n"
    "Content-Length: 0\r\n\r\n";
const std::string busy =
    "SIP/2.0 486 Busy Here\r\n"
    "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKabc\r\n"
    "From: <sip:alice@example.org>;tag=1\r\n"
    "To: <sip:bob@example.com>;tag=2\r\n"
    "Call-ID: A84b@host\r\n"
    "CSeq: 1 INVITE\r\n"
    "Content-Length: 0\r\n\r\n";

class FilterTest : public ::testing::Test {
 protected:
  FilterTest() {
    request_.datagram = invite;
    EXPECT_EQ(sip::parse(invite, *message_), sip::Datagram::sip);
    request_.message = message_.get();
    request_.source = endpoint("198.51.100.7:5060");
    request_.destination = endpoint("192.0.2.10:5060");
    request_.sent_to = endpoint("10.0.1.1:5070");
    request_.pool = "proxies";
    request_.backend = "p1";
    request_.rule = "scanners";
    request_.worker = 3;
    EXPECT_EQ(sip::parse(busy, *response_message_), sip::Datagram::sip);
    response_ = request_;
    response_.datagram = busy;
    response_.message = response_message_.get();
    response_.status = 486;
    junk_.datagram = "\r\n\r\n";
    junk_.source = endpoint("[2001:db8::7]:5060");
    junk_.verdict = Verdict::drop;
    junk_.reason = telemetry::Reason::source_invalid;
  }

  static bool matches(const std::string& text, const Seen& seen) {
    const auto filter = Filter::parse(text);
    EXPECT_TRUE(filter) << text << ": " << filter.error();
    return filter && filter->matches(seen);
  }
  void expect(const std::string& text, bool request, bool response, bool junk) {
    EXPECT_EQ(matches(text, request_), request) << text;
    EXPECT_EQ(matches(text, response_), response) << text;
    EXPECT_EQ(matches(text, junk_), junk) << text;
  }

  std::unique_ptr<sip::Message> message_ = std::make_unique<sip::Message>();
  std::unique_ptr<sip::Message> response_message_ = std::make_unique<sip::Message>();
  Seen request_, response_, junk_;
};

TEST_F(FilterTest, ComparesEveryField) {
  expect("", true, true, true);
  expect("call_id=A84b@host", true, true, false);
  expect("call_id=a84b@host", false, false, false);  // RFC 3261 section 20.8: case counts
  expect("call_id ~ HOST", true, true, false);
  expect("method=invite", true, true, false);
  expect("method != INVITE", false, false, true);
  expect("kind=request", true, false, false);
  expect("kind=response", false, true, false);
  expect("status=486", false, true, false);
  expect("status=4xx", false, true, false);
  expect("status<500", false, true, false);
  expect("status>=500", false, false, false);
  expect("size<10", false, false, true);
  expect("source=198.51.100.0/24", true, true, false);
  expect("source=198.51.100.7:5061", false, false, false);
  expect("source=[2001:db8::7]:5060", false, false, true);
  expect("source=2001:db8::/32", false, false, true);
  expect("destination=10.0.1.1", true, true, false);
  expect("destination=192.0.2.10", false, false, false);
  expect("address=192.0.2.10", true, true, false);
  expect("pool=proxies", true, true, false);
  expect("backend=p1", true, true, false);
  expect("backend=proxies/p1", true, true, false);
  expect("backend=others/p1", false, false, false);
  expect("verdict=drop", false, false, true);
  expect("verdict=forward", true, true, false);
  expect("reason=source_invalid", false, false, true);
  expect("reason!=source_invalid", true, true, false);
  expect("rule=scanners", true, true, false);
  expect("worker=3", true, true, false);
  expect("from ~ +4930", true, false, false);
  expect("to ~ bob@EXAMPLE", true, true, false);
  expect("request_uri=sip:bob@example.com", true, false, false);
  expect("user_agent ~ scanner", true, false, false);
  expect("message ~ 'busy here'", false, true, false);
}

TEST_F(FilterTest, JoinsComparisons) {
  expect("kind=request and backend=p1 or verdict=drop", true, false, true);
  expect("kind=request and (backend=p2 or verdict=drop)", false, false, false);
  expect("not kind=request", false, true, true);
  expect("not (kind=request or kind=response)", false, false, true);
  expect("!status=486 && backend==\"p1\"", true, false, false);
  expect("status=486 || size<10", false, true, true);
  expect("not not kind=request", true, false, false);
}

TEST_F(FilterTest, SaysWhatIsWrongAndWhere) {
  const auto error = [](const std::string& text) {
    const auto filter = Filter::parse(text);
    EXPECT_FALSE(filter) << text;
    return filter ? std::string() : filter.error();
  };
  EXPECT_TRUE(error("methd=INVITE").starts_with("filter, character 1: 'methd' is no field; there are call_id, method"));
  EXPECT_EQ(error("method INVITE"), "filter, character 8: =, !=, ~, <, <=, > or >= is expected behind 'method'");
  EXPECT_EQ(error("method<INVITE"), "filter, character 7: 'method' is compared with = or !=, or ~ for a part of it");
  EXPECT_EQ(error("status~4"), "filter, character 7: 'status' is compared with = or !=, <, <=, > or >=");
  EXPECT_EQ(error("status=4xy"), "filter, character 8: '4xy' is no status; 100 to 699, or 4xx is");
  EXPECT_EQ(error("kind=request and"),
            "filter, character 17: a field is missing at the end; there are "
            "call_id, method, kind, status, size, source, destination, address, pool, "
            "backend, verdict, reason, rule, worker, from, to, request_uri, "
            "user_agent, message");
  EXPECT_EQ(error("(kind=request"), "filter, character 1: this '(' has no ')'");
  EXPECT_EQ(error("kind=request)"), "filter, character 13: 'and', 'or' or the end is expected, not ')'");
  EXPECT_EQ(error("from~\"x"), "filter, character 6: this quote has no end");
  EXPECT_EQ(error("from="), "filter, character 6: a value is expected; an empty one is written \"\"");
  EXPECT_EQ(error("source=nobody"),
            "filter, character 8: 'nobody' is no source; 192.0.2.7, 192.0.2.0/24, "
            "192.0.2.7:5060 or [2001:db8::1]:5060 is");
  EXPECT_EQ(error("verdict=accept"),
            "filter, character 9: 'accept' is no verdict; forward, reply, absorb, drop or punt is");
  EXPECT_EQ(error("reason=bad"), "filter, character 8: 'bad' is no reason; the names that 'show drops' has are");
  EXPECT_EQ(error(std::string(20, '(') + "size=1" + std::string(20, ')')),
            "filter, character 18: parentheses and 'not' may be 16 deep");
  std::string many = "size=1";
  for (int i = 0; i < 64; ++i) many += " or size=1";
  EXPECT_EQ(error(many), "filter, character 641: there may be 64 comparisons");
  EXPECT_EQ(error(std::string(3000, 'x')), "the filter has 3000 characters; 2048 are the most");
}

TEST(SamplingHash, IsTheSameOnEveryNodeAndVersion) {
  EXPECT_EQ(sampling_hash(""), 0u);
  EXPECT_EQ(sampling_hash("a84b4c76e66710@pc33.atlanta.example.com"),
            sampling_hash("a84b4c76e66710@pc33.atlanta.example.com"));
  EXPECT_EQ(sampling_hash("abc"), 313543088827600584u);
  EXPECT_EQ(sampling_hash("a84b4c76e66710@pc33.atlanta.example.com"), 6947908802882421179u);
}

TEST(Sample, HoldsTheShareOfCallsThatWasAskedFor) {
  const Tapping hundredth{.filter = {}, .sample = 100}, thousandth{.filter = {}, .sample = 1000};
  const Taps both({hundredth, thousandth}), everything({thousandth, Tapping{}});
  size_t many = 0, few = 0;
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t hash = sampling_hash("call-" + std::to_string(i) + "@192.0.2.1");
    many += hundredth.samples(hash);
    few += thousandth.samples(hash);
    EXPECT_TRUE(hundredth.samples(hash) || !thousandth.samples(hash)) << "the smaller one is part of the larger one";
    EXPECT_EQ(both.sampled(hash), hundredth.samples(hash));
    EXPECT_TRUE(everything.sampled(hash));
  }
  EXPECT_NEAR(static_cast<double>(many), 1000, 120);
  EXPECT_NEAR(static_cast<double>(few), 100, 40);
  EXPECT_FALSE(hundredth.samples(0)) << "what has no Call-ID is in no sample";
  EXPECT_FALSE(both.sampled(0));
  EXPECT_TRUE(Tapping{}.samples(0));
  EXPECT_TRUE(everything.sampled(0));
}

}  // namespace
}  // namespace viaduct::capture
