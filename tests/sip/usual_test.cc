// What is read fast must be what is read slowly. The fast readers keep away from the end of the datagram, so the same
// value right at the end, and in the middle, takes both ways.
#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "sip/name_addr.h"
#include "sip/sample.h"
#include "support/effort.h"

namespace viaduct::sip {
namespace {

const std::string padding(64, '\n');

std::string describe(Slice slice) { return std::to_string(slice.begin) + "-" + std::to_string(slice.end); }

std::string describe(const Host& host) {
  return describe(host.text) + "/" + std::to_string(static_cast<int>(host.kind)) + "/" + std::to_string(host.port);
}

// All fields; an empty slice may lie anywhere.
std::string describe(const Uri& uri) {
  std::string text = std::to_string(static_cast<int>(uri.scheme)) + (uri.has_lr ? " lr " : " ") + describe(uri.host);
  for (Slice slice : {uri.user, uri.params, uri.headers, uri.maddr, uri.transport, uri.vd}) {
    text.append(" ").append(slice.empty() ? "none" : describe(slice));
  }
  return text;
}

std::string describe(const Via& via) {
  std::string text = describe(via.value) + " " + describe(via.transport) + " " + describe(via.sent_by) + " ";
  text.append(describe(via.host)).append(via.has_rport ? " rport " : " ").append(std::to_string(via.rport));
  text.append(via.has_received ? " received " : " ").append(via.has_cookie ? " cookie " : " ");
  text.append(via.well_formed ? " well formed " : " ");
  for (Slice slice : {via.branch, via.maddr, via.received, via.received_param, via.rport_param, via.vd}) {
    text.append(" ").append(slice.empty() ? "none" : describe(slice));
  }
  return text;
}

std::string read_uri(std::string_view bytes, size_t size) {
  Uri uri;
  return parse_uri(bytes, {0, static_cast<uint16_t>(size)}, uri) ? describe(uri) : "no URI";
}

void expect_same_uri(const std::string& text) {
  const test::GuardedBuffer at_end(text), in_middle(text + padding);
  EXPECT_EQ(read_uri(in_middle.bytes(), text.size()), read_uri(at_end.bytes(), text.size())) << text;
}

// The top Via, and the tag of From, as a message shows them whose last octets they are; and as one with more behind.
std::string read_row(std::string_view row, std::string_view behind) {
  const Parsed message("OPTIONS sip:a@b SIP/2.0\r\n" + std::string(row) + std::string(behind));
  return describe(message->via[0]) + " " + std::to_string(message->via_count) + " " +
         (message->has_from_tag ? describe(message->from_tag) : "no tag") + " " + describe(message->call_id) + " " +
         std::to_string(message->max_forwards) + " " + std::to_string(message->content_length) + " " +
         std::to_string(message->cseq_number) + " " + describe(message->cseq_method) +
         (message->routes_apart ? " routes apart" : "");
}

void expect_same_row(const std::string& row) {
  const std::string near = read_row(row, "\r\n"), far = read_row(row, "\r\n\r\n" + padding);
  EXPECT_EQ(near, far) << row;
}

TEST(Usual, UrisReadTheSameEitherWay) {
  for (const char* text : {"sip:a@b",
                           "sip:b",
                           "sip:+15551234567@proxy.example.com;user=phone",
                           "sip:a@192.0.2.1:5060;lr;x=y",
                           "sip:a@b;LR;z",
                           "sip:a@b;lr=on",
                           "sip:a@b:0",
                           "sip:a@b:65535",
                           "sip:a@b:65536",
                           "sip:a@b:005060",
                           "sip:@b",
                           "sip:a@",
                           "sip:a@b;",
                           "sip:a@b;;",
                           "sip:a@b;=x",
                           "sip:a@b?x=y",
                           "sip:a@b;maddr=c",
                           "sip:a@b;transport=tcp;vd=1",
                           "sip:a%41@b",
                           "sip:a~@b",
                           "sip:a@b;x=~",
                           "sip:a@b@c",
                           "sip:a b@c",
                           "sip:a@1.2.3",
                           "sip:a@1.2.3.4.5",
                           "sip:a@1..2.3",
                           "sip:a@.1.2.3",
                           "sip:a@1.2.3.",
                           "sip:a@1234.1.1.1",
                           "sip:a@300.1.1.1",
                           "sip:a@[::1]:5",
                           "sips:a@b",
                           "SIP:a@b",
                           "sip:a;b?c@d;e",
                           "sip:a@b_c-d.e",
                           "sip:a@b;p1=v1;p2;p3=v3;lr;lr",
                           "sip:a@abcdefghijklmnopqrstuvwxyz0123456789",
                           "sip:abcdefghijklmnopqrstuvwxyz0123456789abcdef@b;c=d",
                           "tel:+1",
                           "sip:",
                           "sip:;lr",
                           "sip:a@b:5060x"}) {
    expect_same_uri(text);
  }
}

TEST(Usual, RowsReadTheSameEitherWay) {
  for (const char* row : {"Via: SIP/2.0/UDP a;branch=z9hG4bKx",
                          "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx;rport",
                          "Via: SIP/2.0/UDP a:0;branch=x",
                          "Via: SIP/2.0/UDP a;rport;branch=z9hG4bKabcdefghijklmnopqrstuvwxyz0123456789",
                          "Via: SIP/2.0/UDP a;branch=Z9HG4BKx",
                          "Via: SIP/2.0/UDP a;branch=z9hG4bK",
                          "Via: SIP/2.0/UDP a;branch=",
                          "Via: SIP/2.0/UDP a;branch=x;branch=y",
                          "Via: SIP/2.0/UDP a;rport;rport",
                          "Via: SIP/2.0/UDP a;rport=5",
                          "Via: SIP/2.0/UDP a;rportx",
                          "Via: SIP/2.0/UDP a;branch=a=b",
                          "Via: SIP/2.0/UDP a;branch=x ;rport",
                          "Via: SIP/2.0/UDP a;branch=x, SIP/2.0/UDP b",
                          "Via: SIP/2.0/TCP a;branch=x",
                          "Via: SIP/2.0/UDP  a;branch=x",
                          "Via: SIP/2.0/UDP a",
                          "Via: SIP/2.0/UDP",
                          "Via: SIP/2.0/UDP ",
                          "Via: SIP/2.0/UDP a;",
                          "Via: SIP/2.0/UDP a;;rport",
                          "Via: SIP/2.0/UDP a;received=1.2.3.4;branch=x",
                          "Via: SIP/2.0/UDP [::1]:5;branch=x",
                          "From: <sip:a@b>;tag=x",
                          "From: <sip:a@b>",
                          "From: \"A B\" <sip:a@b>;tag=x",
                          "From: \"A\\\"B\" <sip:a@b>;tag=x",
                          "From: A B <sip:a@b>;tag=x",
                          "From: \"A\"<sip:a@b;c>;tag=x",
                          "From: \"A\"  <sip:a@b>;tag=x",
                          "From: <>;tag=x",
                          "From: <sip:a@b>;tag=",
                          "From: <sip:a@b>;TAG=x",
                          "From: <sip:a@b>;tag=x;y",
                          "From: <sip:a@b>;y;tag=x",
                          "From: sip:a@b;tag=x",
                          "From: <sip:a@b>;tag=x y",
                          "From: <sip:a@b>;tag=x ",
                          "From: \"A",
                          "From: <sip:a@b",
                          "From: A, B <sip:a@b>;tag=x",
                          "From: A;B <sip:a@b>;tag=x",
                          "From: <sip:a@b>;tag=\"x\"",
                          "From: <sip:a@b>;tag=a~b",
                          "From: \"\" <sip:a@b>;tag=x",
                          "Call-ID: a",
                          "Call-ID: abcdefghijklmnopqrstuvwxyz0123456789@192.0.2.1",
                          "Call-ID: a b",
                          "Call-ID: \xff\x80",
                          "Call-ID: a\x7f",
                          "CSeq: 1 OPTIONS",
                          "CSeq: 4294967295 OPTIONS",
                          "CSeq: 4294967296 OPTIONS",
                          "CSeq: 12345678 OPTIONS",
                          "CSeq: 1  OPTIONS",
                          "CSeq: 1 INVITE",
                          "CSeq: OPTIONS",
                          "CSeq: 1",
                          "CSeq: 007 OPTIONS",
                          "CSeq: 1 OPTIONSX",
                          "Max-Forwards: 70",
                          "Max-Forwards: 070",
                          "Max-Forwards: 256",
                          "Max-Forwards: x",
                          "Max-Forwards: 0000000070",
                          "Content-Length: 0",
                          "Content-Length: 12x",
                          "Content-Length: ",
                          "Max-Forwards : 70",
                          "v: SIP/2.0/UDP a;branch=x",
                          "Route: <sip:a@b;lr>",
                          "Route: <sip:a;lr>\r\nRoute: <sip:b,c;lr>",
                          "Route: <sip:a;lr>, <sip:b;lr>",
                          "Route: <sip:a;lr>\r\nRoute: <sip:b;lr>,<sip:c>",
                          "Route: <sip:a;lr>;x=y",
                          "Route: <>",
                          "Route: \"A\" <sip:a>",
                          "Route: <sip:a>\r\nRoute: ",
                          "Route: <sip:a>b>",
                          "Route: <sip:a",
                          "Route: sip:a"}) {
    expect_same_row(row);
  }
}

TEST(Usual, RoutesThatAreApartAreKnown) {
  const auto routes_apart = [](const std::string& rows) {
    const Parsed message("OPTIONS sip:a@b SIP/2.0\r\n" + rows + "\r\n\r\n" + padding);
    return message->routes_apart;
  };
  EXPECT_TRUE(routes_apart("Route: <sip:a@b;lr>"));
  EXPECT_TRUE(routes_apart("Route: <sip:a;lr>\r\nTo: <sip:c>\r\nRoute: <sip:b,c;lr>"));
  EXPECT_FALSE(routes_apart("Route: <sip:a;lr>, <sip:b;lr>"));
  EXPECT_FALSE(routes_apart("Route: <sip:a;lr>\r\nRoute: <sip:b;lr>,<sip:c>"));
  EXPECT_FALSE(routes_apart("Route: <sip:a;lr>;x=y"));
  EXPECT_FALSE(routes_apart("Route: sip:a"));
  EXPECT_FALSE(routes_apart("To: <sip:c>"));
  std::string many;
  for (size_t i = 0; i <= route_values_max; ++i) many += "Route: <sip:a;lr>\r\n";
  EXPECT_FALSE(routes_apart(many + "To: <sip:c>"));
}

TEST(Usual, NoiseReadsTheSameEitherWay) {
  std::mt19937 random(7);
  const std::string_view pieces[] = {"sip:",
                                     "a",
                                     "@",
                                     "b.c",
                                     "1.2.3.4",
                                     ":",
                                     "5060",
                                     ";",
                                     "lr",
                                     "=",
                                     "x",
                                     ";tag=",
                                     "<",
                                     ">",
                                     "\"",
                                     "\\",
                                     " ",
                                     ",",
                                     "%41",
                                     "~",
                                     "[::1]",
                                     "?",
                                     ";branch=",
                                     "z9hG4bK",
                                     ";rport",
                                     "SIP/2.0/UDP ",
                                     "abcdefghijklmnopq",
                                     "\t",
                                     "\x80"};
  for (int round = 0; round < test::rounds(20000) && !testing::Test::HasFailure(); ++round) {
    std::string value;
    for (size_t i = random() % 12; i > 0; --i) value += pieces[random() % std::size(pieces)];
    expect_same_uri("sip:" + value);
    expect_same_row("Via: SIP/2.0/UDP " + value);
    expect_same_row("From: " + value);
    expect_same_row("Route: <sip:a;lr>\r\nRoute: <" + value);
  }
}

}  // namespace
}  // namespace viaduct::sip
