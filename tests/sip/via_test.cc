// The top two Via values.
#include <gtest/gtest.h>

#include "sip/sample.h"

namespace viaduct::sip {
namespace {

Sample with_via(std::string_view value) { return Sample().set("Via", value); }

TEST(Via, PartsAreFound) {
  const Parsed message(with_via(
      " SIP/2.0/UDP "
      "host.example.com:5070;branch=z9hG4bKa;rport=7;received=192.0.2.1;maddr=192.0.2.2;vd=1.2.ff;x;y=\"z;,\""));
  ASSERT_EQ(message.fault(), "");
  const Via& via = message->via[0];
  EXPECT_EQ(message.text(via.transport), "UDP");
  EXPECT_EQ(message.text(via.sent_by), "host.example.com:5070");
  EXPECT_EQ(message.text(via.host.text), "host.example.com");
  EXPECT_EQ(via.host.kind, HostKind::name);
  EXPECT_EQ(via.host.port, 5070);
  EXPECT_EQ(message.text(via.branch), "z9hG4bKa");
  EXPECT_TRUE(via.has_cookie);
  EXPECT_TRUE(via.has_rport);
  EXPECT_EQ(via.rport, 7);
  EXPECT_EQ(message.text(via.rport_param), ";rport=7");
  EXPECT_EQ(message.text(via.received), "192.0.2.1");
  EXPECT_EQ(message.text(via.received_param), ";received=192.0.2.1");
  EXPECT_EQ(message.text(via.maddr), "192.0.2.2");
  EXPECT_EQ(message.text(via.vd), "1.2.ff");
  EXPECT_TRUE(message.text(via.value).starts_with("SIP/2.0/UDP host"));
  EXPECT_TRUE(message.text(via.value).ends_with("y=\"z;,\""));
  EXPECT_TRUE(message.has(Deviation::rport_with_value));
  EXPECT_TRUE(message.has(Deviation::received_by_client));
}

TEST(Via, WhiteSpaceMayStandAroundEveryPart) {
  SCOPED_TRACE("PAR-08 TOR-01");
  const Parsed message(with_via(" SIP / 2.0 / UDP 198.51.100.7 : 5060 ; rport ; branch = z9hG4bK776asdhds "));
  EXPECT_EQ(message.fault(), "");
  const Via& via = message->via[0];
  EXPECT_EQ(message.text(via.branch), "z9hG4bK776asdhds");
  EXPECT_EQ(message.text(via.sent_by), "198.51.100.7 : 5060");
  EXPECT_EQ(message.text(via.host.text), "198.51.100.7");
  EXPECT_EQ(via.host.kind, HostKind::ipv4);
  EXPECT_EQ(via.host.port, 5060);
  EXPECT_EQ(message.text(via.rport_param), "; rport");
  EXPECT_TRUE(message.text(via.value).ends_with("= z9hG4bK776asdhds"));
}

TEST(Via, ListsAndRowsAreEquivalent) {
  SCOPED_TRACE("PAR-06 TRQ-08");
  const char* first = "SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bKa";
  const char* second = "SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKb";
  for (const char* between : {", ", ",", " ,\r\n ", "\r\nVia: ", "\r\nX: y\r\nv:"}) {
    const Parsed message(with_via(std::string(" ") + first + between + second + ", SIP/2.0/TCP c"));
    EXPECT_EQ(message.fault(), "");
    EXPECT_EQ(message->via_count, 3);
    EXPECT_EQ(message.text(message->via[0].value), first);
    EXPECT_EQ(message.text(message->via[1].value), second);
    EXPECT_EQ(message.text(message->via[1].branch), "z9hG4bKb");
  }
}

TEST(Via, QuotesShieldCommasAndSemicolons) {
  SCOPED_TRACE("PAR-07");
  const Parsed message(
      with_via(" SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKx;oc;oc-algo=\"loss,A;branch=z\\\"\", SIP/2.0/UDP "
               "10.9.9.9;branch=z9hG4bKy"));
  EXPECT_EQ(message.fault(), "");
  EXPECT_EQ(message->via_count, 2);
  EXPECT_EQ(message.text(message->via[0].branch), "z9hG4bKx");
  EXPECT_EQ(message.text(message->via[1].branch), "z9hG4bKy");
}

TEST(Via, NamesAndCookieMatchInAnyCase) {
  SCOPED_TRACE("PAR-27");
  const Parsed message(with_via(" sip/2.0/udp h;RPORT;Branch=Z9HG4BK776;Received=192.0.2.1"));
  EXPECT_EQ(message.fault(), "");
  EXPECT_TRUE(message->via[0].has_rport);
  EXPECT_TRUE(message->via[0].has_cookie);
  EXPECT_TRUE(message->via[0].has_received);
  EXPECT_FALSE(message.has(Deviation::via_transport_mismatch));
}

TEST(Via, ACookieAloneIsNone) {
  SCOPED_TRACE("TXN-13 TOR-33");
  const Parsed bare(with_via(" SIP/2.0/UDP h;branch=z9hG4bK"));
  EXPECT_EQ(bare.fault(), "");
  EXPECT_FALSE(bare->via[0].has_cookie);
  EXPECT_TRUE(bare.has(Deviation::branch_without_cookie));
  const Parsed old(with_via(" SIP/2.0/UDP h;branch=390skdjuw"));
  EXPECT_EQ(old.fault(), "");
  EXPECT_FALSE(old->via[0].has_cookie);
  EXPECT_TRUE(old.has(Deviation::branch_without_cookie));
}

TEST(Via, ABranchMayBeMissing) {
  SCOPED_TRACE("TXN-11 TOR-07 TOR-49");
  for (const char* via : {" SIP/2.0/UDP h", " SIP/2.0/UDP h;branch=", " SIP/2.0/UDP h;branch"}) {
    const Parsed message(with_via(via));
    EXPECT_EQ(message.fault(), "") << via;
    EXPECT_TRUE(message->via[0].branch.empty());
    EXPECT_TRUE(message.has(Deviation::branch_missing));
  }
}

TEST(Via, AParameterOccursOnce) {
  SCOPED_TRACE("PAR-24");
  for (const char* params : {";branch=z9hG4bKa;branch=z9hG4bKb", ";branch=a;x;y;BRANCH=a", ";x;x", ";x=1;X=2",
                             ";rport;rport", ";received=1.1.1.1;received=1.1.1.1"}) {
    const Parsed message(with_via(std::string(" SIP/2.0/UDP 198.51.100.7") + params));
    EXPECT_EQ(message.fault(), "via_param_repeated") << params;
  }
  std::string many = " SIP/2.0/UDP h";
  for (int i = 0; i < 60; ++i) many += ";p" + std::to_string(i) + "=" + std::to_string(i);
  EXPECT_EQ(fault_of(with_via(many)), "");
  EXPECT_EQ(fault_of(with_via(many + ";P7")), "via_param_repeated");
  for (int i = 0; i < 60; ++i) many += ";q" + std::to_string(i);
  EXPECT_EQ(fault_of(with_via(many)), "via_malformed");
}

TEST(Via, NumbersAreBounded) {
  SCOPED_TRACE("SEC-12");
  for (const char* rest : {":65536", ":0", ":99999999999", ":", ":-1", ":+5060", ":5060x", ";rport=0", ";rport=65536",
                           ";rport=x", ";rport=", ";rport=\"5\""}) {
    EXPECT_EQ(fault_of(with_via(std::string(" SIP/2.0/UDP 198.51.100.7") + rest)), "via_malformed") << rest;
  }
  EXPECT_EQ(Parsed(with_via(" SIP/2.0/UDP 198.51.100.7:00065535"))->via[0].host.port, 65535);
}

TEST(Via, MalformedTopValuesAreRefused) {
  SCOPED_TRACE("TOR-14 RSP-16");
  for (const char* via : {" SIP/2.0/UDP 192.0.2.15;;,;,,",
                          "",
                          " ",
                          " SIP/2.0/UDP",
                          " SIP/2.0/UDP ",
                          " SIP/2.0 h",
                          " SIP/2.0/ h",
                          " /2.0/UDP h",
                          " SIP/2.0/UDP;branch=x",
                          " SIP/2.0/UDP ;branch=x",
                          " SIP/2.0/UDP h i",
                          " SIP/2.0/UDP h;",
                          " SIP/2.0/UDP h;=x",
                          " SIP/2.0/UDP h,",
                          " SIP/2.0/UDP h,,SIP/2.0/UDP i",
                          " ,SIP/2.0/UDP h",
                          " SIP/2.0/UDP h;x=\"open",
                          " SIP/2.0/UDP h;x=a b",
                          " SIP/2.0/UDP <h>",
                          " SIP/2.0/UDP h;x=<y>",
                          " SIP/2.0/UDP h;maddr=",
                          " SIP/2.0/UDP h;received",
                          " SIP/2.0/UDP h;received=a(b"}) {
    EXPECT_EQ(fault_of(with_via(via)), "via_malformed") << via;
  }
}

TEST(Via, AddressesOfIpv6) {
  SCOPED_TRACE("IP6-01 IP6-02 IP6-03 TOR-64 TOR-65 TOR-67");
  const Parsed message(with_via(" SIP/2.0/UDP [2001:DB8::0010]:5062;received=[2001:db8::9:255];branch=z9hG4bKa"));
  EXPECT_EQ(message.fault(), "");
  EXPECT_EQ(message.text(message->via[0].host.text), "2001:DB8::0010");
  EXPECT_EQ(message->via[0].host.kind, HostKind::ipv6);
  EXPECT_EQ(message->via[0].host.port, 5062);
  EXPECT_EQ(message.text(message->via[0].sent_by), "[2001:DB8::0010]:5062");
  EXPECT_EQ(message.text(message->via[0].received), "[2001:db8::9:255]");
  const Parsed plain(with_via(" SIP/2.0/UDP [::1];received=2001:db8::9:255;branch=z9hG4bKa"));
  EXPECT_EQ(plain.text(plain->via[0].received), "2001:db8::9:255");
  const Parsed bare(with_via(" SIP/2.0/UDP 2001:db8::9:1;branch=z9hG4bKa"));
  EXPECT_EQ(bare.fault(), "via_malformed");
  EXPECT_TRUE(bare.has(Deviation::ipv6_without_brackets));
}

TEST(Via, OtherTransportsAreNoted) {
  SCOPED_TRACE("TOR-10");
  const Parsed message(with_via(" SIP/2.0/TCP h;branch=z9hG4bKa,SIP/2.0/UNKNOWN i"));
  EXPECT_EQ(message.fault(), "");
  EXPECT_TRUE(message.has(Deviation::via_transport_mismatch));
  EXPECT_EQ(message.text(message->via[1].transport), "UNKNOWN");
}

TEST(Via, RemovalLeavesTheNeighbours) {
  SCOPED_TRACE("RSP-03");
  const std::string a = "SIP/2.0/UDP a;branch=z9hG4bK1", b = "SIP/2.0/UDP b;branch=z9hG4bK2",
                    c = "SIP/2.0/UDP c;branch=z9hG4bK3";
  struct Case {
    std::string rows, without_first, without_second;
  };
  const Case cases[] = {
      {"Via: " + a + "\r\nVia: " + b + "\r\n", "Via: " + b + "\r\n", "Via: " + a + "\r\n"},
      {"v: " + a + ", " + b + "\r\n", "v: " + b + "\r\n", "v: " + a + "\r\n"},
      {"Via: " + a + " ,\r\n " + b + " ; x = y \r\n", "Via: " + b + " ; x = y \r\n", "Via: " + a + " \r\n"},
      {"Via: " + a + "," + b + "," + c + "\r\n", "Via: " + b + "," + c + "\r\n", "Via: " + a + "," + c + "\r\n"},
      {"Via: " + a + "\r\nVia: " + b + " , " + c + "\r\n", "Via: " + b + " , " + c + "\r\n",
       "Via: " + a + "\r\nVia: " + c + "\r\n"},
      {"Via:\r\n " + a + "\r\nVia: " + b + "\r\n", "Via: " + b + "\r\n", "Via:\r\n " + a + "\r\n"},
  };
  const std::string rest = "To: <sip:b@h>\r\nFrom: <sip:a@h>;tag=1\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n";
  for (const Case& row : cases) {
    SCOPED_TRACE(row.rows);
    const Parsed message("SIP/2.0 200 OK\r\n" + row.rows + rest);
    ASSERT_EQ(message.fault(), "");
    EXPECT_EQ(message.without(message->via[0].removal), "SIP/2.0 200 OK\r\n" + row.without_first + rest);
    const std::string left = message.without(message->via[1].removal);
    EXPECT_EQ(left.size() + message->via[1].removal.size(), message->bytes.size());
    const Parsed again(left);
    EXPECT_EQ(again.fault(), "");
    EXPECT_EQ(again->via_count, message->via_count - 1);
    EXPECT_EQ(again.text(again->via[0].value), a);
    EXPECT_EQ(again.text(again->via[1].value), again->via_count > 1 ? c : "");
  }
}

TEST(Via, AMalformedSecondValueCountsInResponsesOnly) {
  SCOPED_TRACE("RSP-16");
  for (const char* second : {"SIP/2.0/UDP ;;", "nonsense", "SIP/2.0/UDP h:0", "SIP/2.0/UDP h;x;x"}) {
    for (const char* between : {", ", "\r\nVia: "}) {
      const std::string vias = std::string(" SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKa") + between + second;
      const Parsed request(with_via(vias));
      EXPECT_EQ(request.fault(), "") << vias;
      EXPECT_EQ(request->via_count, 2);
      EXPECT_FALSE(request->via[1].well_formed);
      Sample sample;
      sample.start_line("SIP/2.0 200 OK").set("Via", vias);
      EXPECT_NE(fault_of(sample), "") << vias;
    }
  }
}

TEST(Via, LowerRowsOfRequestsAreOnlyCounted) {
  SCOPED_TRACE("PAR-12");
  const Parsed message(with_via(" SIP/2.0/UDP a;branch=z9hG4bKa\r\nVia: SIP/2.0/UDP b\r\nVia: ;;;\r\nVia: \"open"));
  EXPECT_EQ(message.fault(), "");
  EXPECT_GE(message->via_count, 3);
}

}  // namespace
}  // namespace viaduct::sip
