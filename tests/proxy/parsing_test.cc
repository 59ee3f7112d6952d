// Framing and parsing (PAR), as the whole decision shows them: what comes in, what becomes of it.
#include "support/proxy_bed.h"

namespace viaduct::test {
namespace {

class Parsing : public ::testing::Test {
 protected:
  Outcome from_alice(const std::string& message) const { return bed.from_alice(message); }
  Bed bed;
};

struct Row {
  std::string rule;
  std::string message;
  std::string verdict;
  std::string phrase;  // part of the answer's status line
};

void expect_rows(const Bed& bed, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    SCOPED_TRACE(row.rule + "\n" + row.message);
    const Outcome outcome = bed.from_alice(row.message);
    EXPECT_EQ(outcome.verdict(), row.verdict);
    if (!row.phrase.empty()) {
      EXPECT_NE(outcome.message.start().find(row.phrase), std::string::npos) << outcome.message.start();
    }
  }
}

// The message as it would leave, but for our own rows.
std::vector<std::string> untouched_lines(const Outcome& outcome, size_t ours) {
  std::vector<std::string> lines = outcome.message.lines();
  lines.erase(lines.begin() + 1, lines.begin() + 1 + static_cast<std::ptrdiff_t>(ours));
  return lines;
}

std::string replaced(const std::string& text, std::string_view what, std::string_view by) {
  EXPECT_NE(text.find(what), std::string::npos) << what;
  return replace_all(text, what, by);
}

const std::string m = m0.str();

TEST_F(Parsing, HeaderNamesHaveNoCase) {  // PAR-01
  const Outcome outcome = from_alice(replaced(m, "Max-Forwards: 70", "mAx-FoRwArDs: 5"));
  EXPECT_EQ(outcome.message.value("Max-Forwards"), "4");
  EXPECT_NE(outcome.bytes.find("mAx-FoRwArDs: 4\r\n"), std::string::npos) << "the spelling stays";
}

TEST_F(Parsing, CompactAndLongNamesAreOneHeader) {  // PAR-02
  std::string compact = m;
  for (const auto& [name, letter] : {std::pair("\r\nVia", "\r\nv"), std::pair("\r\nFrom", "\r\nf"),
                                     std::pair("\r\nTo", "\r\nt"), std::pair("\r\nCall-ID", "\r\ni"),
                                     std::pair("\r\nContent-Length", "\r\nl"), std::pair("\r\nContact", "\r\nm")}) {
    compact = replaced(compact, name, letter);
  }
  const Outcome with_long = from_alice(m);
  const Outcome with_compact = from_alice(compact);
  EXPECT_EQ(with_compact.verdict(), "forward");
  EXPECT_EQ(with_compact.branch(), with_long.branch());
  EXPECT_EQ(with_compact.message.value("Record-Route"), with_long.message.value("Record-Route"));
  std::vector<std::string> expected = untouched_lines(with_long, 1), actual = untouched_lines(with_compact, 1);
  for (std::string& line : expected) {
    for (const auto& [name, letter] :
         {std::pair("Via:", "v:"), std::pair("From:", "f:"), std::pair("To:", "t:"), std::pair("Call-ID:", "i:"),
          std::pair("Content-Length:", "l:"), std::pair("Contact:", "m:")}) {
      if (line.starts_with(name)) line = letter + line.substr(std::string_view(name).size());
    }
  }
  EXPECT_EQ(actual, expected);
}

TEST_F(Parsing, WhiteSpaceMayStandBeforeTheColon) {  // PAR-03
  EXPECT_EQ(from_alice(replaced(m, "Via: SIP", "Via \t :SIP")).verdict(), "forward");
  EXPECT_EQ(from_alice(replaced(m, "Via: SIP", "Via\r\n : SIP")).verdict(), "drop unanswerable_request")
      << "a fold before the colon makes a header line without colon; no Via is left to answer to";
  EXPECT_EQ(from_alice(replaced(m, "Contact:", "Contact\r\n :")).verdict(), "reply 400");
}

TEST_F(Parsing, AFoldedViaIsTheSameVia) {  // PAR-05
  const std::string folded =
      replaced(m, "Via: SIP/2.0/UDP 198.51.100.7:5060;rport;", "Via: SIP/2.0/UDP\r\n 198.51.100.7:5060;\r\n\trport;");
  EXPECT_EQ(from_alice(folded).branch(), from_alice(m).branch());
}

TEST_F(Parsing, OnlyTheFirstValueOfAViaListIsStamped) {  // PAR-06, TRQ-08
  const std::string list =
      replaced(m, "Via: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bK776asdhds",
               "Via: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bKa, SIP/2.0/UDP 10.9.9.9;rport;branch=z9hG4bKb");
  const Outcome outcome = from_alice(list);
  const auto vias = outcome.message.values("Via");
  ASSERT_EQ(vias.size(), 2u);
  EXPECT_TRUE(vias[0].starts_with("SIP/2.0/UDP 10.0.0.1:5060;branch=")) << vias[0];
  EXPECT_EQ(vias[1],
            "SIP/2.0/UDP 198.51.100.7:5060;rport=5060;branch=z9hG4bKa;received=198.51.100.7, SIP/2.0/UDP "
            "10.9.9.9;rport;branch=z9hG4bKb");
}

TEST_F(Parsing, SeparatorsInQuotesAndBracketsSeparateNothing) {  // PAR-07
  const std::string via = replaced(m, "rport;branch=z9hG4bK776asdhds",
                                   "branch=z9hG4bKx;oc;oc-algo=\"loss,A\", SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKy");
  const Outcome stamped = from_alice(via);
  EXPECT_EQ(
      stamped.via(1),
      "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKx;oc;oc-algo=\"loss,A\", SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKy");
  const Outcome answered = bed.send(reply_to(stamped.message, "200 OK", "b"), b2, inside);
  EXPECT_EQ(answered.verdict(), "forward");
  EXPECT_EQ(answered.decision.destination, alice);
  const Outcome routed = from_alice(m0.with_line("Route: \"x, y\" <sip:192.0.2.10;lr>, <sip:10.0.1.3;lr>"));
  EXPECT_EQ(routed.message.value("Route"), "<sip:10.0.1.3;lr>");
  const Outcome bracketed = from_alice(m0.with_line("Route: <sip:x,y;z@192.0.2.10;lr>, <sip:a,b@10.0.1.3;lr>"));
  EXPECT_EQ(bracketed.verdict(), "reply 403") << "one value, whose user is no token of ours";
  EXPECT_EQ(from_alice(m0.with_line("Route: <sip:192.0.2.10;lr>, <sip:a,b@10.0.1.3;lr>")).message.value("Route"),
            "<sip:a,b@10.0.1.3;lr>");
}

TEST_F(Parsing, WhiteSpaceMayStandAroundEveryViaSeparator) {  // PAR-08
  const std::string spaced = replaced(m, "Via: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bK776asdhds",
                                      "Via: SIP / 2.0 / UDP 198.51.100.7 : 5060 ; branch = z9hG4bK776asdhds");
  const Outcome outcome = from_alice(spaced);
  EXPECT_EQ(outcome.verdict(), "forward");
  EXPECT_EQ(outcome.branch(), from_alice(m).branch());
}

TEST_F(Parsing, TheVersionLeavesInUpperCase) {  // PAR-09
  const Outcome outcome = from_alice(m0.with_start("INVITE sip:bob@example.com sip/2.0"));
  EXPECT_EQ(outcome.verdict(), "forward");
  EXPECT_EQ(outcome.message.start(), "INVITE sip:bob@example.com SIP/2.0");
}

TEST_F(Parsing, ALowerCaseMethodIsAnother) {  // PAR-10
  const Outcome outcome = from_alice(m0.with_method("invite"));
  EXPECT_EQ(outcome.verdict(), "forward");
  EXPECT_TRUE(outcome.message.has("Record-Route")) << "as for any unknown method";
  EXPECT_EQ(from_alice(m0.with_method("cancel").with("Max-Forwards", "0")).verdict(), "reply 483") << "no CANCEL";
}

TEST_F(Parsing, UnknownMethodsAndHeadersPass) {  // PAR-11, PAR-31
  for (const std::string line : {"X-A: ;;,,;;,;", "Subject: \xff\xfe"}) {
    const Outcome outcome = from_alice(m0.with_method("NEWMETHOD").with_last_line(line));
    EXPECT_EQ(outcome.verdict(), "forward");
    EXPECT_EQ(outcome.message.lines().back(), line);
  }
}

TEST_F(Parsing, BrokenHeadersThatNobodyReadsHerePass) {  // PAR-12
  for (const std::string line :
       {"Date: Fri, 01 Jan 2010 16:00:00 EST", "Contact: <sip:broken", "Authorization: ???", "Accept: ,,,"}) {
    const Outcome outcome = from_alice(m0.without("Contact").with_last_line(line));
    EXPECT_EQ(outcome.verdict(), "forward") << line;
    EXPECT_EQ(outcome.message.lines().back(), line);
  }
}

TEST_F(Parsing, WhatCouldBeReadTwoWaysIsRefused) {
  expect_rows(bed,
              {
                  {"PAR-04", replaced(m, "Contact:", "To\x01: <sip:x@example.com>;tag=z\r\nContact:"), "reply 400",
                   "Malformed Header Name"},
                  {"PAR-09", replaced(m, "INVITE sip:bob@example.com SIP/2.0", "INVITE  sip:bob@example.com  SIP/2.0"),
                   "reply 400", ""},
                  {"PAR-13", replaced(m, "Content-Type: application/sdp\r\n", "Content-Type: application/sdp\n"),
                   "reply 400", "Bare CR or LF"},
                  {"PAR-13", replaced(m, "Content-Type: application/sdp\r\n", "Content-Type: application/sdp\r"),
                   "reply 400", ""},
                  {"PAR-25", std::string(replaced(m, "Call-ID", std::string("Ca\0ll-ID", 8))), "reply 400", ""},
                  {"PAR-29", m0.with_last_line("Foobar roobar"), "reply 400", "Header Without Colon"},
                  {"SEC-13 header name folded into the start line",
                   replaced(m, "example.com SIP/2.0\r\n", "example.com\r\n SIP/2.0\r\n"), "reply 400", ""},
                  {"SEC-13 fold before the first header", replaced(m, "SIP/2.0\r\nVia", "SIP/2.0\r\n X: y\r\nVia"),
                   "reply 400", ""},
                  {"SEC-13 both spellings of Content-Length", m0.with_last_line("l: 116"), "reply 400",
                   "Repeated Content-Length"},
              });
}

TEST_F(Parsing, OctetsBehindTheBodyAreCutOff) {  // PAR-14
  const Outcome outcome = from_alice(m + m.substr(0, 300));
  EXPECT_EQ(outcome.verdict(), "forward");
  EXPECT_EQ(outcome.bytes, from_alice(m).bytes);
}

TEST_F(Parsing, AShortBodyIsRefused) {  // PAR-15
  expect_rows(bed, {{"PAR-15", m0.with("Content-Length", "9999"), "reply 400", "Body Shorter Than Content-Length"}});
  const SipText answer = reply_to(from_alice(m).message, "200 OK", "b");
  EXPECT_EQ(bed.send(answer.with("Content-Length", "9999"), b2, inside).verdict(), "drop malformed_response");
}

TEST_F(Parsing, WithoutContentLengthTheBodyRunsToTheEnd) {  // PAR-16
  const Outcome outcome = from_alice(m0.without("Content-Length"));
  EXPECT_EQ(outcome.verdict(), "forward");
  EXPECT_EQ(outcome.message.body(), sdp);
  EXPECT_FALSE(outcome.message.has("Content-Length"));
}

TEST_F(Parsing, ContentLengthIsOneSmallNumber) {  // PAR-17
  for (const std::string value :
       {"-1", "+5", "0x10", "five", "", "5, 5", "2147483609", "4294967328", "999999999999999999999999999999"}) {
    SCOPED_TRACE("PAR-17 '" + value + "'");
    EXPECT_EQ(from_alice(m0.with("Content-Length", value)).verdict(), "reply 400");
  }
  EXPECT_EQ(from_alice(m0.with_last_line("Content-Length: 116")).verdict(), "reply 400");
}

TEST_F(Parsing, KeepAlivesEndHere) {  // PAR-18
  using namespace std::string_literals;
  for (const std::string& datagram : {""s, "\r\n\r\n"s, "\r\n"s, "\r\n\r\n\r\n\r\n"s, "a"s, "abcd"s, "\0"s, "\0\0"s,
                                      "\0\0\0"s, "\0\0\0\0"s, "\xff\xff\xff\xff"s}) {
    SCOPED_TRACE(std::to_string(datagram.size()) + " octets: " + datagram);
    EXPECT_EQ(from_alice(datagram).verdict(), "absorb keepalive");
  }
  EXPECT_NE(from_alice("\0\0\0\0\0"s).verdict(), "absorb keepalive") << "five octets are no keep-alive";
  EXPECT_EQ(from_alice("\r\n" + m).bytes, from_alice(m).bytes) << "line ends before the start line are not forwarded";
  EXPECT_EQ(from_alice("\r\n\r\n\r\n" + m).bytes, from_alice(m).bytes);
}

TEST_F(Parsing, StunAndSigcompAreDropped) {  // PAR-19, NAT-11
  EXPECT_EQ(from_alice(std::string("\0\1\0\0\x21\x12\xa4\x42", 8) + std::string(12, 'x')).verdict(), "drop stun");
  EXPECT_EQ(from_alice(std::string("\xf8\0\0\0\0\0\0\0", 8)).verdict(), "drop sigcomp");
  EXPECT_EQ(from_alice(std::string(200, 'x')).verdict(), "drop not_sip");
}

TEST_F(Parsing, WhatIsMissingIsNamed) {  // PAR-20
  expect_rows(bed, {
                       {"PAR-20", m0.without("Call-ID"), "reply 400", "Missing Call-ID"},
                       {"PAR-20", m0.without("To"), "reply 400", "Missing To"},
                       {"PAR-20", m0.without("From"), "reply 400", "Missing From"},
                       {"PAR-20", m0.without("CSeq"), "reply 400", "Missing CSeq"},
                       {"PAR-20", m0.without("Via"), "drop unanswerable_request", ""},
                       {"PAR-20", m0.without("Max-Forwards"), "forward", ""},
                   });
}

TEST_F(Parsing, WhatMayOccurOnceOccursOnce) {  // PAR-21
  for (const std::string line : {"To: <sip:x@example.com>", "From: <sip:x@example.com>;tag=1", "Call-ID: x",
                                 "CSeq: 1 INVITE", "Max-Forwards: 70", "Content-Length: 116"}) {
    SCOPED_TRACE("PAR-21 " + line);
    EXPECT_EQ(from_alice(m0.with_last_line(line)).verdict(), "reply 400");
  }
}

TEST_F(Parsing, CSeqIsANumberAndTheMethod) {  // PAR-22
  EXPECT_EQ(from_alice(m0.with("CSeq", "0009 INVITE")).branch(), from_alice(m0.with("CSeq", "9 INVITE")).branch());
  expect_rows(bed,
              {
                  {"PAR-22", m0.with("CSeq", "4294967295 INVITE"), "forward", ""},
                  {"PAR-22", m0.with("CSeq", "4294967296 INVITE"), "reply 400", "Malformed CSeq"},
                  {"PAR-22", m0.with_method("OPTIONS").with("CSeq", "8 INVITE"), "reply 400", "CSeq Method Mismatch"},
                  {"PAR-22", m0.with_method("NEWMETHOD").with("CSeq", "8 INVITE"), "reply 501", "Not Implemented"},
              });
}

TEST_F(Parsing, MaxForwardsIsASmallNumber) {  // PAR-23
  EXPECT_EQ(from_alice(m0.with("Max-Forwards", "0068")).message.value("Max-Forwards"), "67");
  EXPECT_EQ(from_alice(m0.with("Max-Forwards", "255")).message.value("Max-Forwards"), "254");
  EXPECT_EQ(from_alice(m0.with("Max-Forwards", "300")).message.value("Max-Forwards"), "70") << "as if absent";
  for (const std::string value : {"-1", "1x", "+1", "", "7 0"}) {
    SCOPED_TRACE("PAR-23 " + value);
    EXPECT_EQ(from_alice(m0.with("Max-Forwards", value)).verdict(), "reply 400");
  }
}

TEST_F(Parsing, AParameterOfTheTopViaOccursOnce) {  // PAR-24
  for (const std::string params :
       {"branch=z9hG4bKa;branch=z9hG4bKb", "branch=z9hG4bKa;rport;rport=5", "branch=z9hG4bKa;Branch=x"}) {
    SCOPED_TRACE("PAR-24 " + params);
    EXPECT_EQ(from_alice(m0.with("Via", "SIP/2.0/UDP 198.51.100.7:5060;" + params)).verdict(), "reply 400");
  }
}

TEST_F(Parsing, NulIsLegalInAQuotedPairAndInTheBody) {  // PAR-25
  const std::string from = std::string("\"a\\\0b\" <sip:alice@example.com>;tag=1", 36);
  const Outcome outcome = from_alice(m0.with("From", from).with_body(std::string(116, '\0')));
  EXPECT_EQ(outcome.verdict(), "forward");
  EXPECT_NE(outcome.bytes.find(from), std::string::npos);
}

TEST_F(Parsing, TheUserPartOfAUriMayLookLikeParameters) {  // PAR-26
  bed.listener().domains = {"example.com"};
  const Outcome outcome = from_alice(m0.with_uri("sip:user;par=u%40example.net@example.com"));
  EXPECT_EQ(outcome.verdict(), "forward") << "the host is example.com, which is served";
  EXPECT_EQ(outcome.message.start(), "INVITE sip:user;par=u%40example.net@example.com SIP/2.0")
      << "and nothing is unescaped";
  EXPECT_EQ(from_alice(m0.with_method("RE%47IST%45R")).verdict(), "forward");
}

TEST_F(Parsing, ParameterNamesAndTheCookieHaveNoCase) {  // PAR-27
  const Outcome upper = from_alice(m0.with("Via", "SIP/2.0/UDP 198.51.100.7:5060;RPORT;Branch=Z9hG4bK776asdhds"));
  EXPECT_EQ(upper.branch(), from_alice(m).branch());
  EXPECT_TRUE(upper.branch().starts_with("z9hG4bK")) << "ours is spelled as the RFC does";
  EXPECT_EQ(upper.via(1), "SIP/2.0/UDP 198.51.100.7:5060;rport=5060;Branch=Z9hG4bK776asdhds;received=198.51.100.7");
}

TEST_F(Parsing, LargeMessagesPassUpToTheLimit) {  // PAR-28
  const std::string large =
      m0.with_method("MESSAGE").with("Content-Length", "60000").with_body(std::string(60000, 'x'));
  EXPECT_EQ(from_alice(large).verdict(), "forward");
  bed.view.policy.message_bytes_max = 16384;
  const Outcome refused = from_alice(large);
  EXPECT_EQ(refused.verdict(), "reply 513");
  EXPECT_LT(refused.bytes.size(), 500u);
}

TEST_F(Parsing, AStatusCodeHasThreeDigitsAndThePhraseMayBeEmpty) {  // PAR-30
  const SipText answer = reply_to(from_alice(m).message, "200 OK", "b");
  EXPECT_EQ(bed.send(answer.with_start("SIP/2.0 200 "), b2, inside).verdict(), "forward");
  for (const std::string line :
       {"SIP/2.0 4294967301 x", "SIP/2.0 99 x", "SIP/2.0 700 x", "SIP/2.0 2xx x", "SIP/2.0  200 OK"}) {
    SCOPED_TRACE("PAR-30 " + line);
    EXPECT_EQ(bed.send(answer.with_start(line), b2, inside).verdict(), "drop malformed_response");
  }
}

}  // namespace
}  // namespace viaduct::test
