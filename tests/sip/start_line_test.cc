// Request-Line, Status-Line, and the Request-URI in it.
#include <gtest/gtest.h>

#include "sip/sample.h"

namespace viaduct::sip {
namespace {

TEST(StartLine, SingleSpacesOnly) {
  SCOPED_TRACE("PAR-09 TOR-21 TOR-22 TOR-23");
  for (const char* line : {"INVITE  sip:bob@example.com  SIP/2.0", "INVITE sip:bob@example.com  SIP/2.0",
                           "INVITE sip:bob@example.com SIP/2.0 ", "INVITE sip:bob@example.com SIP/2.0  ",
                           "INVITE sip:bob@example.com; lr SIP/2.0", "INVITE sip:bob@example.com\tSIP/2.0",
                           "INVITE sip:bob@example.com SIP/2.0\t", "INVITE sip:bob@example.com", "INVITE  SIP/2.0",
                           "INVITE SIP/2.0", "INVITE "}) {
    const Parsed message(Sample().start_line(line));
    ASSERT_EQ(message.kind(), Datagram::sip) << line;
    EXPECT_NE(message.fault(), "") << line;
    EXPECT_EQ(text_of(message->fault).status, 400) << line;
    EXPECT_EQ(message.text(message->via[0].branch), "z9hG4bK776asdhds") << line;
  }
  EXPECT_TRUE(Parsed(Sample().start_line("INVITE  sip:bob@example.com  SIP/2.0")).has(Deviation::request_line_spaces));
}

TEST(StartLine, TheVersionMatchesInAnyCase) {
  SCOPED_TRACE("PAR-09");
  const Parsed message(Sample().start_line("INVITE sip:bob@example.com sip/2.0"));
  EXPECT_EQ(message.fault(), "");
  EXPECT_EQ(message.text(message->version), "sip/2.0");
  EXPECT_TRUE(message.has(Deviation::version_case));
  EXPECT_FALSE(Parsed(Sample()).has(Deviation::version_case));
}

TEST(StartLine, AnotherVersionIsNotSupported) {
  SCOPED_TRACE("VAL-08 TOR-29");
  for (const char* version : {"SIP/7.0", "SIP/2.1", "SIP/1.0", "SIP/20.0", "SIP/2.00"}) {
    const Parsed message(Sample().start_line(std::string("OPTIONS sip:x@example.com ") + version));
    EXPECT_EQ(message.fault(), "version_unsupported") << version;
    EXPECT_EQ(text_of(message->fault).status, 505);
  }
  for (const char* version : {"SIP/2", "SIP/2.", "SIP/.0", "SIP/x.y", "SIP2.0", "HTTP/1.1", "SIP/2.0x", "SIPS/2.0"}) {
    EXPECT_EQ(fault_of(Sample().start_line(std::string("INVITE sip:x@example.com ") + version)), "start_line_malformed")
        << version;
  }
}

TEST(StartLine, BadVersionStillShowsTheVia) {
  SCOPED_TRACE("TOR-29");
  const Parsed message(Sample()
                           .start_line("OPTIONS sip:t@example.org SIP/7.0")
                           .set("Via", "     SIP/7.0/UDP c.example.com;branch=z9hG4bKkdjuw")
                           .set("CSeq", " 1 OPTIONS"));
  EXPECT_EQ(message.fault(), "version_unsupported");
  EXPECT_EQ(message.text(message->via[0].value), "SIP/7.0/UDP c.example.com;branch=z9hG4bKkdjuw");
  EXPECT_TRUE(message->via[0].well_formed);
}

TEST(StartLine, MethodsAreCaseSensitive) {
  SCOPED_TRACE("PAR-10");
  const Parsed message(Sample().start_line("invite sip:bob@example.com SIP/2.0").set("CSeq", " 1 invite"));
  EXPECT_EQ(message.fault(), "");
  EXPECT_EQ(message->method, Method::other);
  EXPECT_TRUE(message.has(Deviation::method_lower_case));
  EXPECT_EQ(fault_of(Sample().start_line("INVITE sip:bob@example.com SIP/2.0").set("CSeq", " 1 invite")),
            "cseq_method_mismatch");
}

TEST(StartLine, EveryKnownMethodIsNamed) {
  const std::pair<const char*, Method> methods[] = {
      {"INVITE", Method::invite},       {"ACK", Method::ack},         {"BYE", Method::bye},
      {"CANCEL", Method::cancel},       {"OPTIONS", Method::options}, {"REGISTER", Method::register_},
      {"SUBSCRIBE", Method::subscribe}, {"NOTIFY", Method::notify},   {"REFER", Method::refer},
      {"MESSAGE", Method::message},     {"INFO", Method::info},       {"UPDATE", Method::update},
      {"PRACK", Method::prack},         {"PUBLISH", Method::publish}, {"PING", Method::other},
      {"INVITES", Method::other}};
  for (const auto& [name, method] : methods) {
    const Parsed request(
        Sample().start_line(std::string(name) + " sip:bob@example.com SIP/2.0").set("CSeq", std::string(" 1 ") + name));
    EXPECT_EQ(request->method, method) << name;
    EXPECT_EQ(request.fault(), "") << name;
    const Parsed response(Sample::response().set("CSeq", std::string(" 1 ") + name));
    EXPECT_EQ(response->method, method) << name;
    EXPECT_EQ(response.text(response->method_text), name);
  }
}

TEST(StartLine, AnyTokenIsAMethod) {
  SCOPED_TRACE("PAR-11 PAR-26 TOR-02 TOR-05");
  for (const char* method : {"!interesting-Method0123456789_*+`.%indeed'~", "RE%47IST%45R", "X"}) {
    const Parsed message(Sample()
                             .start_line(std::string(method) + " sip:bob@example.com SIP/2.0")
                             .set("CSeq", std::string(" 1 ") + method));
    EXPECT_EQ(message.fault(), "") << method;
    EXPECT_EQ(message.text(message->method_text), method);
    EXPECT_EQ(message->method, Method::other);
  }
}

TEST(StartLine, BracketsAndHeadersDoNotBelongInARequestUri) {
  SCOPED_TRACE("TOR-20 TOR-24");
  for (const char* uri : {"<sip:bob@example.com>",
                          "sip:bob@example.com?Route=%3Csip:x%3E",
                          "sip:bob@example.com?",
                          "sip:bob@\"x\"",
                          "sip:",
                          "sip:@example.com",
                          "sip:bob@",
                          "bob@example.com",
                          ":x",
                          "1sip:x@y>",
                          "sip:a@b@c",
                          "sip:bob@example.com:",
                          "sip:bob@example.com:0",
                          "sip:bob@example.com:65536",
                          "sip:bob@example.com:99999999999",
                          "sip:bob@example.com:+5060",
                          "sip:bo%4@example.com",
                          "sip:bob@example.com;x=%zz",
                          "sip:bob@example.com;;lr",
                          "sip:bob@example.com;",
                          "sip:bob@example.com;maddr=1.2.3.4;maddr=4.3.2.1",
                          "sip:bob@example.com;transport=udp;Transport=tcp"}) {
    const Parsed message(Sample().start_line(std::string("INVITE ") + uri + " SIP/2.0"));
    EXPECT_EQ(message.fault(), "request_uri_malformed") << uri;
  }
}

TEST(StartLine, OtherSchemesAreReadAsFarAsNeeded) {
  SCOPED_TRACE("VAL-02 TOR-35 TOR-36");
  const std::pair<const char*, Scheme> uris[] = {{"nobodyKnowsThisScheme:totallyopaquecontent", Scheme::other},
                                                 {"soap.beep://192.0.2.103:3002", Scheme::other},
                                                 {"tel:+15551234;phone-context=+1", Scheme::tel},
                                                 {"sips:bob@example.com", Scheme::sips},
                                                 {"SIP:bob@example.com", Scheme::sip},
                                                 {"sIpS:bob@example.com", Scheme::sips}};
  for (const auto& [uri, scheme] : uris) {
    const Parsed message(Sample().start_line(std::string("INVITE ") + uri + " SIP/2.0"));
    EXPECT_EQ(message.fault(), "") << uri;
    EXPECT_EQ(message->request_uri.scheme, scheme) << uri;
    EXPECT_EQ(message.has(Deviation::sips_over_udp), scheme == Scheme::sips);
  }
}

TEST(StartLine, StatusCodesAreThreeDigits) {
  SCOPED_TRACE("PAR-30 RSP-20 TOR-12 TOR-13 TOR-32");
  for (const char* line : {"SIP/2.0 200 OK", "SIP/2.0 200 ", "SIP/2.0 100 Trying", "SIP/2.0 699 \xd0\xbd \xff",
                           "SIP/2.0 200 = 2**3 * 5**2\t~"}) {
    const Parsed message(Sample::response().start_line(line));
    EXPECT_EQ(message.fault(), "") << line;
    EXPECT_EQ(message->kind, Kind::response);
    EXPECT_EQ(message->status, std::stoi(std::string(line + 8, 3)));
  }
  for (const char* line :
       {"SIP/2.0 4294967301 x", "SIP/2.0 099 x", "SIP/2.0 700 x", "SIP/2.0 20 x", "SIP/2.0 2000 x", "SIP/2.0 -20 x",
        "SIP/2.0  200 x", "SIP/2.0", "SIP/2.0 ", "SIP/2.0 200", "SIP/7.0 200 OK", "SIP/2.0 200 a\x01", "SIP/ 200 OK"}) {
    EXPECT_NE(fault_of(Sample::response().start_line(line)), "") << line;
  }
}

TEST(StartLine, AResponseVersionMatchesInAnyCase) {
  const Parsed message(Sample::response().start_line("sip/2.0 200 OK"));
  EXPECT_EQ(message.fault(), "");
  EXPECT_EQ(message->kind, Kind::response);
  EXPECT_TRUE(message.has(Deviation::version_case));
  EXPECT_FALSE(Parsed(Sample::response()).has(Deviation::version_case));
}

}  // namespace
}  // namespace viaduct::sip
