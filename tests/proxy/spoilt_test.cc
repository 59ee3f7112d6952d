// Good requests with one thing wrong: each gets the answer that names it, and no backend ever sees it.
//
// Each way to spoil a request is done to many requests of the generator, in odd dialects, so that a fault is found
// wherever it stands and whatever stands beside it. An ACK and a CANCEL are dropped for the same reasons (VAL-10,
// VAL-11).
#include <functional>

#include "dialect.h"
#include "support/effort.h"
#include "support/proxy_bed.h"

namespace viaduct::test {
namespace {

// A message with something wrong, made of a good one.
using Spoil = std::function<std::string(Content, Dice&)>;

struct Way {
  const char* rule;
  int status;          // of the answer; 0: whether there is one depends on what is left of the message
  std::string phrase;  // in its status line
  Spoil spoil;
};

std::string written(const Content& content, Dice& dice) { return render(content, dice, false).str(); }

// `text` in place of a value.
Spoil value(const std::string& name, const std::string& text) {
  return [=](Content content, Dice& dice) {
    std::erase_if(content.rows, [&](const ContentRow& row) { return row.name == name; });
    content.rows.push_back({RowKind::opaque, name, '\0', text});
    return written(content, dice);
  };
}
Spoil missing(const std::string& name) {
  return [=](Content content, Dice& dice) {
    std::erase_if(content.rows, [&](const ContentRow& row) { return row.name == name; });
    return written(content, dice);
  };
}
// A second row that says the same.
Spoil repeated(const std::string& name) {
  return [=](Content content, Dice& dice) {
    if (content.find(name) == nullptr) content.rows.push_back({RowKind::other, name, '\0', "0"});
    content.rows.push_back(*content.find(name));
    return written(content, dice);
  };
}
Spoil top_via(const std::string& text) {
  return [=](Content content, Dice& dice) {
    content.vias[0] = text;
    return written(content, dice);
  };
}
Spoil route(const std::vector<std::string>& values) {
  return [=](Content content, Dice& dice) {
    content.routes = values;
    content.own_routes = 0;
    return written(content, dice);
  };
}
Spoil uri(const std::string& text) {
  return [=](Content content, Dice& dice) {
    content.uri = text;
    return written(content, dice);
  };
}
// The start line, of which `M` is the method and `U` the Request-URI.
Spoil start(const std::string& text) {
  return [=](const Content& content, Dice& dice) {
    Rendered rendered = render(content, dice, false);
    rendered.start.clear();
    for (const char c : text) rendered.start += c == 'M' ? content.method : c == 'U' ? content.uri : std::string(1, c);
    return rendered.str();
  };
}
// A line somewhere among the headers.
Spoil line(const std::string& text) {
  return [=](const Content& content, Dice& dice) {
    Rendered rendered = render(content, dice, false);
    const auto place = static_cast<std::ptrdiff_t>(dice.below(rendered.lines.size() + 1));
    rendered.lines.insert(rendered.lines.begin() + place, {RowKind::opaque, text, {}});
    return rendered.str();
  };
}
// Another end of some header line.
Spoil line_end(const std::string& text) {
  return [=](const Content& content, Dice& dice) {
    const Rendered rendered = render(content, dice, false);
    std::string message = rendered.lead + rendered.start;
    const size_t chosen = dice.below(rendered.lines.size());
    for (size_t i = 0; i < rendered.lines.size(); ++i) {
      message += rendered.lines[i].text();
      if (i == chosen) message.replace(message.size() - 2, 2, text);
    }
    return message + "\r\n" + rendered.body;
  };
}

std::string with_nul(std::string text) {
  std::replace(text.begin(), text.end(), '@', '\0');
  return text;
}

void add(std::vector<Way>& ways, const char* rule, int status, const std::string& phrase,
         Spoil (*spoil)(const std::string&), const std::vector<std::string>& texts) {
  for (const std::string& text : texts) ways.push_back({rule, status, phrase, spoil(text)});
}
void add_values(std::vector<Way>& ways, const char* rule, const std::string& phrase, const std::string& name,
                const std::vector<std::string>& texts) {
  for (const std::string& text : texts) ways.push_back({rule, 400, phrase, value(name, text)});
}

std::vector<Way> faults_of_framing() {
  std::vector<Way> ways;
  add(ways, "PAR-09", 400, "", start,
      {"M  U SIP/2.0\r\n", "M U  SIP/2.0\r\n", "M U SIP/2.0 \r\n", "M U\tSIP/2.0\r\n", "M <U> SIP/2.0\r\n",
       "M U SIP/2\r\n", "M U HTTP/1.1\r\n", "M U\r\n", "M SIP/2.0\r\n", "M U SIP/2.0\n", "M U SIP/2.0 x\r\n"});
  add(ways, "VAL-08", 505, "Version Not Supported", start, {"M U SIP/3.0\r\n", "M U SIP/2.1\r\n", "M U sip/07.10\r\n"});
  add(ways, "SEC-13 fold behind the start line", 400, "", start, {"M U SIP/2.0\r\n X: y\r\n", "M U\r\n SIP/2.0\r\n"});
  add(ways, "PAR-29", 400, "Header Without Colon", line, {"Foobar roobar", "Via", "\"Quoted\" row", "(Comment)"});
  add(ways, "PAR-04", 400, "Malformed Header Name", line,
      {"To\x01: x", "Subject\x7f: x", "Call ID: x", "X@: y", "X\xc3\xa9: y"});
  ways.push_back({"PAR-04", 400, "", line(": no name")});
  ways.push_back({"PAR-25", 400, "", line(with_nul("Ca@ll-ID: x"))});
  ways.push_back({"PAR-25", 400, "", start(with_nul("M U@ SIP/2.0\r\n"))});
  add(ways, "PAR-13", 400, "", line_end, {"\n"});
  add(ways, "PAR-13", 0, "", line_end, {"\r", "\n\n", "\r\r\n", "\r\r"});
  add(ways, "PAR-13", 400, "", line, {"X: a\nb: c", "X: a\rb: c"});
  ways.push_back({"PAR-20", 400, "Missing Empty Line", [](const Content& content, Dice& dice) {
                    Rendered rendered = render(content, dice, true);
                    rendered.body.clear();
                    const std::string message = rendered.str();
                    return message.substr(0, message.size() - 2);
                  }});
  ways.push_back({"SEC-11", 400, "Too Many Vias", [](Content content, Dice& dice) {
                    while (content.vias.size() <= 128) content.vias.push_back("SIP/2.0/UDP 10.9.9.9");
                    return written(content, dice);
                  }});
  ways.push_back({"SEC-11", 400, "Too Many Headers", [](const Content& content, Dice& dice) {
                    Rendered rendered = render(content, dice, false);
                    for (int i = 0; i < 600; ++i) rendered.lines.push_back({RowKind::opaque, "X: y", {}});
                    return rendered.str();
                  }});
  ways.push_back({"SEC-11", 400, "Header Too Long", value("X-Long", std::string(17000, 'x'))});
  return ways;
}

std::vector<Way> faults_of_headers() {
  std::vector<Way> ways;
  for (const char* name : {"To", "From", "Call-ID", "CSeq"}) {
    ways.push_back({"PAR-20", 400, std::string("Missing ") + name, missing(name)});
  }
  for (const char* name : {"To", "From", "Call-ID", "CSeq", "Max-Forwards", "Content-Length"}) {
    ways.push_back({"PAR-21", 400, std::string("Repeated ") + name, repeated(name)});
  }
  add_values(ways, "PAR-17", "Malformed Content-Length", "Content-Length",
             {"-1", "+5", "0x10", "five", "", "5, 5", "1 1", "3.0", "\"3\"", "5;x"});
  add_values(ways, "PAR-17", "Body Shorter Than Content-Length", "Content-Length",
             {"100000", "4294967328", "2147483609", "18446744073709551621", "999999999999999999999999999999"});
  add_values(ways, "PAR-22", "Malformed CSeq", "CSeq",
             {"x INVITE", "-1 INVITE", "4294967296 INVITE", "1", "INVITE", "1INVITE", "1 INVITE x", "", "1 IN;VITE"});
  ways.push_back({"PAR-22", 400, "CSeq Method Mismatch", [](Content content, Dice& dice) {
                    content.method = dice.one_of(std::vector<std::string>{"OPTIONS", "REGISTER", "MESSAGE", "BYE"});
                    content.find("CSeq")->value = "8\tINVITE";
                    return written(content, dice);
                  }});
  ways.push_back({"PAR-22", 501, "Not Implemented", [](Content content, Dice& dice) {
                    content.method = dice.one_of(std::vector<std::string>{"PING", "invite", "NEWMETHOD"});
                    content.find("CSeq")->value = "8\tINVITE";
                    return written(content, dice);
                  }});
  add_values(ways, "PAR-23", "Malformed Max-Forwards", "Max-Forwards",
             {"-1", "1x", "+1", "", "7 0", "0x7", "7;x", "\"7\""});
  for (const char* zero : {"0", "000"}) ways.push_back({"VAL-03", 483, "Too Many Hops", value("Max-Forwards", zero)});
  add_values(ways, "FWD-04", "Malformed Max-Breadth", "Max-Breadth", {"x", "-1", "", "6 0"});
  const std::vector<std::string> broken_addresses = {"",
                                                     "<>",
                                                     "\"Bob <sip:x@y>",
                                                     "Bob\" <sip:x@y>",
                                                     "<sip:x@y",
                                                     "sip:x@y>",
                                                     "Bob, Al <sip:x@y>",
                                                     "Bob; Al <sip:x@y>",
                                                     "<sip:x@y>;;a",
                                                     "<sip:x@y>;tag=1;tag=2",
                                                     "<sip:x@y>;tag=",
                                                     "<sip:x@y>;TAG=1;tag=1",
                                                     "<sip:x@y>;=a",
                                                     "<sip:x@y>;a=\"b",
                                                     "<sip:x@y> junk",
                                                     "<sip:x@y>, <sip:z@y>",
                                                     "\"a\" sip:x@y"};
  add_values(ways, "TOR-19", "Malformed To", "To", broken_addresses);
  add_values(ways, "TOR-19", "Malformed From", "From", broken_addresses);
  add_values(ways, "PAR-20", "Malformed Call-ID", "Call-ID", {"", "a b", "a\r\n b", "a\tb"});
  add_values(ways, "VAL-04", "Malformed Proxy-Require", "Proxy-Require", {"", "a,,b", "a b", "a,", ",a", "a;b", "<a>"});
  for (const char* tags : {"foo", "privacy, foo", "foo,\r\n bar"})
    ways.push_back({"VAL-04", 420, "Bad Extension", value("Proxy-Require", tags)});
  return ways;
}

std::vector<Way> faults_of_addresses() {
  std::vector<Way> ways;
  add(ways, "TOR-14", 400, "Malformed Via", top_via,
      {"SIP/2.0/UDP\t198.51.100.7;;x", "SIP/2.0/UDP\t198.51.100.7;=x", "SIP/2.0/UDP\t198.51.100.7;a=\"b",
       "SIP/2.0/UDP\t198.51.100.7 junk", "SIP/2.0/UDP\t198.51.100.7;", "SIP/2.0/UDP\t198.51.100.7;rport=x",
       "SIP/2.0/UDP\t198.51.100.7;received=<x>"});
  add(ways, "SEC-12", 400, "Malformed Via", top_via,
      {"SIP/2.0/UDP\t198.51.100.7:0", "SIP/2.0/UDP\t198.51.100.7:65536",
       "SIP/2.0/UDP\t198.51.100.7:", "SIP/2.0/UDP\t198.51.100.7:+5060", "SIP/2.0/UDP\t198.51.100.7:99999999999",
       "SIP/2.0/UDP\t198.51.100.7;rport=0"});
  add(ways, "IP6-01", 400, "Malformed Via", top_via,
      {"SIP/2.0/UDP\t[2001:db8::9", "SIP/2.0/UDP\t[2001:db8::9]]", "SIP/2.0/UDP\t2001:db8::9:1",
       "SIP/2.0/UDP\t2001:db8::9:1;branch=z9hG4bKa"});
  add(ways, "PAR-24", 400, "Repeated Via Parameter", top_via,
      {"SIP/2.0/UDP\th;branch=z9hG4bKa\n;\nBranch=z9hG4bKb", "SIP/2.0/UDP\th;rport\n;\nrport=5",
       "SIP/2.0/UDP\th;received=1.1.1.1;x;received=1.1.1.2", "SIP/2.0/UDP\th;x=1;y\n;\nX=1",
       "SIP/2.0/UDP\t198.51.100.7;maddr=198.51.100.7\n;\nMAddr=198.51.100.7", "SIP/2.0/UDP\th;vd=1\n;\nVD=2"});
  add(ways, "TRQ-11", 403, "Via maddr Refused", top_via,
      {"SIP/2.0/UDP\t198.51.100.7;maddr=203.0.113.200", "SIP/2.0/UDP\th;branch=z9hG4bKa;maddr=v.example"});
  add(ways, "VAL-02", 416, "Unsupported URI Scheme", uri,
      {"sips:bob@example.com", "SIPS:example.com", "http://example.com/", "urn:service:sos", "im:bob@example.com",
       "x:y"});
  add(ways, "PAR-26", 400, "Malformed Request-URI", uri,
      {"sip:@example.com", "sip:", "sip:a@", "sip:a%4@h", "sip:a%zz@h", "sip:a@[::1", "sip:a@h;", "sip:a@h;;x",
       "sip:a@h;=x", "sip:a@h;x=\"y\"", "bob@example.com", "sip:a\"b@h", "sip:a\xc3\xa9@h", "sip:a@b@c",
       "sip:a@h;maddr=1.1.1.1;maddr=1.1.1.2", ":x", "tel:", "http:"});
  add(ways, "TOR-24", 400, "Malformed Request-URI", uri,
      {"sip:bob@example.com?Route=%3Csip:x%3E", "sip:example.com;lr?a=b&c"});
  add(ways, "SEC-12", 400, "Malformed Request-URI", uri,
      {"sip:a@h:0", "sip:a@h:65536", "sip:a@h:+5060", "sip:a@h:", "sip:a@h:x", "sip:a@h:99999999999999999999"});
  add(ways, "IP6-01", 400, "", uri, {"sip:2001:db8::10", "sip:a@2001:db8::10"});
  ways.push_back({"VAL-09", 414, "Request-URI Too Long", uri("sip:" + std::string(5000, 'a') + "@example.com")});
  for (const std::vector<std::string>& values :
       std::vector<std::vector<std::string>>{{"<sip:192.0.2.10;lr"},
                                             {""},
                                             {"<sip:192.0.2.10;lr>", "", "<sip:10.0.1.2;lr>"},
                                             {"\"x <sip:192.0.2.10;lr>"},
                                             {"<sip:@;lr>"},
                                             {"<sip:192.0.2.10:0;lr>"}}) {
    ways.push_back({"RTE-05", 400, "Malformed Route", route(values)});
  }
  ways.push_back({"TGT-01", 403, "Relaying Denied", route({"<sip:203.0.113.200;lr>"})});
  ways.push_back({"TGT-01", 403, "Relaying Denied", route({"<sip:192.0.2.10;lr>", "<sip:victim.example>"})});
  ways.push_back({"RTE-11", 403, "Route Not Verified", route({"<sip:forged@192.0.2.10;lr>"})});
  ways.push_back(
      {"RTE-06", 482, "Loop Detected", route({"<sip:192.0.2.10;lr>", "<sip:10.0.0.1;lr>", "<sip:lb.example.com;lr>"})});
  return ways;
}

class Spoilt : public ::testing::TestWithParam<uint32_t> {
 protected:
  Spoilt() {
    bed.listener().domains = {};
    bed.view.policy.extensions = {"privacy", "sec-agree"};
  }
  void expect_refused(const Way& way) {
    Content content = make_content(dice, alice_calls);
    const std::string message = way.spoil(content, dice);
    SCOPED_TRACE(std::string(way.rule) + "\n" + message.substr(0, 2000));
    const Outcome outcome = bed.from_alice(message);
    EXPECT_FALSE(outcome.forwarded() && way.status == 0);
    if (way.status == 0) return;
    const std::string_view start = std::string_view(message).substr(message.find_first_not_of("\r\n"));
    const bool ack = start.starts_with("ACK "), cancel = start.starts_with("CANCEL ");
    if (ack || cancel) {
      // What only requests that expect an answer can do wrong (VAL-05).
      const bool may_pass = std::string_view(way.rule) == "VAL-04";
      if (may_pass && outcome.forwarded()) return;
      EXPECT_EQ(outcome.verdict(), ack ? "drop ack_refused" : "drop cancel_refused");
      return;
    }
    EXPECT_EQ(outcome.verdict(), "reply " + std::to_string(way.status)) << outcome.message.start();
    EXPECT_NE(outcome.message.start().find(way.phrase), std::string::npos) << outcome.message.start();
  }
  void expect_all_refused(const std::vector<Way>& ways) {
    for (const Way& way : ways) {
      for (int round = 0; round < rounds(8); ++round) expect_refused(way);
    }
  }

  Dice dice{GetParam()};
  Bed bed;
};

TEST_P(Spoilt, FramingThatCanBeReadTwoWays) { expect_all_refused(faults_of_framing()); }
TEST_P(Spoilt, HeadersThatAreMissingRepeatedOrBroken) { expect_all_refused(faults_of_headers()); }
TEST_P(Spoilt, AddressesThatNobodyCanReadOrMayUse) { expect_all_refused(faults_of_addresses()); }

INSTANTIATE_TEST_SUITE_P(Seeds, Spoilt, ::testing::Range(1u, 9u));

// Without a Via, or with one that has no host, there is nobody to tell (PAR-20).
TEST(SpoiltVia, WithoutAReadableViaThereIsNoAnswer) {
  Dice dice(1);
  const Bed bed;
  for (const char* via : {"", "SIP/2.0/UDP", "SIP/2.0 UDP\t198.51.100.7", ";branch=z9hG4bKa", ","}) {
    const std::string message = top_via(via)(make_content(dice, alice_calls), dice);
    const Outcome outcome = bed.from_alice(message);
    EXPECT_FALSE(outcome.sent()) << message;
  }
}

}  // namespace
}  // namespace viaduct::test
