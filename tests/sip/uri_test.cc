#include <gtest/gtest.h>

#include "sip/message.h"
#include "support/guarded_buffer.h"

namespace viaduct::sip {
namespace {

struct ReadUri {
  explicit ReadUri(std::string_view text) : buffer(text) {
    good = parse_uri(buffer.bytes(), {0, static_cast<uint16_t>(text.size())}, uri);
  }
  std::string_view text(Slice slice) const { return buffer.bytes().substr(slice.begin, slice.size()); }

  test::GuardedBuffer buffer;
  Uri uri;
  bool good = false;
};

struct Row {
  const char* text;
  const char* user;
  const char* host;
  HostKind kind;
  uint16_t port;
  const char* params;
  const char* headers;
};

TEST(Uri, PartsAreFound) {
  const Row rows[] = {
      {"sip:example.com", "", "example.com", HostKind::name, 0, "", ""},
      {"sip:bob@example.com", "bob", "example.com", HostKind::name, 0, "", ""},
      {"sip:bob:secret@192.0.2.1:5070;lr?a=b", "bob:secret", "192.0.2.1", HostKind::ipv4, 5070, ";lr", "?a=b"},
      {"sip:user;par=u%40example.net@example.com", "user;par=u%40example.net", "example.com", HostKind::name, 0, "",
       ""},  // PAR-26 TOR-03 TOR-09
      {"sip:a?b/c;d=e,f&g+h$i@example.com;x=y", "a?b/c;d=e,f&g+h$i", "example.com", HostKind::name, 0, ";x=y",
       ""},                                                                                          // PAR-26 TOR-02
      {"sip:null-%00-null@example.com", "null-%00-null", "example.com", HostKind::name, 0, "", ""},  // PAR-26 TOR-04
      {"sip:*21#@example.com", "*21#", "example.com", HostKind::name, 0, "", ""},
      {"sip:[2001:db8::10]", "", "2001:db8::10", HostKind::ipv6, 0, "", ""},                         // IP6-01 TOR-60
      {"sip:[2001:db8::10:5070]", "", "2001:db8::10:5070", HostKind::ipv6, 0, "", ""},               // TOR-62
      {"sip:[2001:db8::10]:5070", "", "2001:db8::10", HostKind::ipv6, 5070, "", ""},                 // TOR-63
      {"sip:u@[2001:db8:::192.0.2.1]", "u", "2001:db8:::192.0.2.1", HostKind::ipv6, 0, "", ""},      // IP6-04 TOR-70
      {"sip:u@[::ffff:192.0.2.10]:19823", "u", "::ffff:192.0.2.10", HostKind::ipv6, 19823, "", ""},  // IP6-03 TOR-69
      {"sip:u@host_1.local:65535", "u", "host_1.local", HostKind::name, 65535, "", ""},
      {"sip:u@300.1.1.1", "u", "300.1.1.1", HostKind::ipv4, 0, "", ""},  // as the grammar has it
      {"sip:u@1.2.3", "u", "1.2.3", HostKind::name, 0, "", ""},
      {"sip:u@1.2.3.4.5", "u", "1.2.3.4.5", HostKind::name, 0, "", ""},
      {"sip:u@1.2.3.0004", "u", "1.2.3.0004", HostKind::name, 0, "", ""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    const ReadUri read(row.text);
    EXPECT_TRUE(read.good);
    EXPECT_EQ(read.text(read.uri.user), row.user);
    EXPECT_EQ(read.text(read.uri.host.text), row.host);
    EXPECT_EQ(read.uri.host.kind, row.kind);
    EXPECT_EQ(read.uri.host.port, row.port);
    EXPECT_EQ(read.text(read.uri.params), row.params);
    EXPECT_EQ(read.text(read.uri.headers), row.headers);
    EXPECT_EQ(read.text(read.uri.text), row.text);
  }
}

TEST(Uri, LooseRoutingIsSaidInManyWays) {
  SCOPED_TRACE("RTE-07");
  for (const char* text :
       {"sip:h;lr", "sip:h;LR", "sip:h;lr=true", "sip:h;lr=on", "sip:h;Lr=", "sip:h;a=b;lr;c", "sip:u@h:1;lr"}) {
    EXPECT_TRUE(ReadUri(text).uri.has_lr) << text;
  }
  for (const char* text : {"sip:h", "sip:h;lrx", "sip:h;l", "sip:lr@h", "sip:;lr@h", "sip:h?lr", "sip:h;x=lr"}) {
    EXPECT_FALSE(ReadUri(text).uri.has_lr) << text;
  }
}

TEST(Uri, ParametersAProxyActsUponAreNamed) {
  const ReadUri read("sip:u@h;MADDR=192.0.2.9;Transport=tcp;vd=12.abc;lr");
  EXPECT_TRUE(read.good);
  EXPECT_EQ(read.text(read.uri.maddr), "192.0.2.9");
  EXPECT_EQ(read.text(read.uri.transport), "tcp");
  EXPECT_EQ(read.text(read.uri.vd), "12.abc");
}

TEST(Uri, AddressesOfIpv6NeedBrackets) {
  SCOPED_TRACE("IP6-01 TOR-61");
  for (const char* text :
       {"sip:2001:db8::10", "sip:u@2001:db8::10", "sip:u@::1", "sip:u@[2001:db8::10", "sip:u@2001:db8::10]", "sip:u@[]",
        "sip:u@[192.0.2.1]", "sip:u@[2001:db8::g]", "sip:u@[::1]x"}) {
    EXPECT_FALSE(ReadUri(text).good) << text;
  }
}

TEST(Uri, PortsAreBounded) {
  SCOPED_TRACE("SEC-12");
  for (const char* port :
       {"0", "65536", "99999999999", "18446744073709551617", "-1", "+1", "", "5060x", "0x10", "5 "}) {
    EXPECT_FALSE(ReadUri(std::string("sip:u@h:") + port).good) << port;
  }
  EXPECT_EQ(ReadUri("sip:u@h:05060").uri.host.port, 5060);
}

TEST(Uri, WhatIsNoUriIsRefused) {
  for (const char* text : {"", "sip", "sip:", "sip:;lr", "sip:u@;lr", "si p:u@h", "sip:u@h ", "sip:u u@h",
                           "sip:u@h;a b", "sip:u@h;=b", "tel:", "x:<y>", "sip:u@h?a b", "sip:u@h;a=b?c=%4"}) {
    EXPECT_FALSE(ReadUri(text).good) << text;
  }
}

}  // namespace
}  // namespace viaduct::sip
