#include "net/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

#include "support/guarded_buffer.h"

namespace viaduct::net {
namespace {

IpAddress ip(std::string_view text) {
  const std::optional<IpAddress> address = parse_ip(text);
  EXPECT_TRUE(address) << text;
  return address.value_or(IpAddress{});
}

TEST(ParseIp, ReadsWhatTheGrammarAllowsAndWritesItCanonically) {
  struct Row {
    std::string_view text;
    std::string_view canonical;
  };
  const Row rows[] = {
      {"192.0.2.1", "192.0.2.1"},
      {"0.0.0.0", "0.0.0.0"},
      {"255.255.255.255", "255.255.255.255"},
      {"010.001.000.099", "10.1.0.99"},  // RFC 3261 section 25.1: 1*3DIGIT, decimal
      {"::", "::"},
      {"::1", "::1"},
      {"1::", "1::"},
      {"2001:DB8::10", "2001:db8::10"},
      {"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
      {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
      {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},  // RFC 5952 section 4.2.2: one group is not shortened
      {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},  // section 4.2.3: the first of equal runs
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},        // the longest run
      {"::192.0.2.1", "::c000:201"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
      {"1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201"},
      {"::ffff:192.0.2.1", "192.0.2.1"},  // RFC 4291 section 2.5.5.2: mapped is IPv4
      {"::FFFF:c000:0201", "192.0.2.1"},
      {"0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"},
      {"fe80::a:b", "fe80::a:b"},
      {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
  };
  for (const Row& row : rows) {
    const std::optional<IpAddress> address = parse_ip(row.text);
    ASSERT_TRUE(address) << row.text;
    EXPECT_EQ(to_string(*address), row.canonical) << row.text;
    EXPECT_EQ(parse_ip(to_string(*address)), address) << row.text;
  }
}

TEST(ParseIp, RefusesEverythingElse) {
  const std::string_view rows[] = {
      "",
      ".",
      "1",
      "1.2.3",
      "1.2.3.",
      "1.2.3.4.",
      ".1.2.3.4",
      "1.2.3.4.5",
      "1..2.3",
      "256.1.1.1",
      "1.2.3.999",
      "1.2.3.0004",
      "0x7f.0.0.1",
      "127.1",
      "2130706433",
      " 1.2.3.4",
      "1.2.3.4 ",
      "+1.2.3.4",
      "1.2.3.-4",
      "1.2.3.a",
      ":",
      ":::",
      "1:::2",
      "1::2::3",
      "::1::",
      ":1",
      "1:",
      "1:2",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4:5:6:7:8::",
      "::1:2:3:4:5:6:7:8",
      "1::2:3:4:5:6:7:8",
      "12345::",
      "g::",
      "::1%eth0",
      "[::1]",
      "::1.2.3",
      "1:2:3:4:5:6:7:1.2.3.4",
      "1:2:3:4:5::6:7.8.9.1:2",
      "::1.2.3.4:5",
      "::1.2.3.256",
      "2001:db8:::192.0.2.1",  // IP6-04: the parser of messages tolerates this one, the parser of addresses does not
      "example.com",
      "localhost",
  };
  for (std::string_view row : rows) EXPECT_FALSE(parse_ip(row)) << row;
}

TEST(ParseIp, NeverReadsPastTheEnd) {
  const std::string_view whole[] = {"192.168.100.200", "2001:db8::1:192.0.2.33", "::ffff:10.0.0.1"};
  for (std::string_view text : whole) {
    for (size_t length = 0; length <= text.size(); ++length) {
      const std::string exact(text.substr(0, length));
      const test::GuardedBuffer guarded(exact);
      EXPECT_EQ(parse_ip(guarded.bytes()), parse_ip(exact));
    }
  }
}

TEST(ParseIp, AgreesWithInetPtonOnRandomText) {
  std::mt19937 random(1);
  constexpr std::string_view alphabet = "0123456789abcdefF::::....";
  int accepted = 0;
  for (int round = 0; round < 300'000; ++round) {
    std::string text(random() % 20, ' ');
    for (char& c : text) c = alphabet[random() % alphabet.size()];
    if (round % 2 == 0) text = "::" + text;
    in6_addr expected{};
    const bool ok = inet_pton(AF_INET6, text.c_str(), &expected) == 1;
    const std::optional<IpAddress> address = parse_ip(text);
    if (text.find(':') == std::string::npos) continue;
    // inet_pton refuses leading zeros in the dotted part, which SIP's grammar allows.
    if (text.find('.') != std::string::npos && address && !ok) continue;
    ASSERT_EQ(address.has_value(), ok) << text;
    if (!ok) continue;
    ASSERT_EQ(*address, IpAddress::v6(expected.s6_addr)) << text;
    ++accepted;
  }
  EXPECT_GT(accepted, 1000);
}

TEST(FormatIp, WritesWhatInetNtopWritesForEveryOctetAndRandomIpv6) {
  for (unsigned octet = 0; octet < 256; ++octet) {
    const auto byte = static_cast<uint8_t>(octet);
    const IpAddress address = IpAddress::v4(byte, 7, static_cast<uint8_t>(255 - octet), byte);
    char expected[INET_ADDRSTRLEN];
    ASSERT_NE(inet_ntop(AF_INET, address.v4_bytes(), expected, sizeof expected), nullptr);
    EXPECT_EQ(to_string(address), expected);
  }
  std::mt19937 random(2);
  for (int round = 0; round < 100'000; ++round) {
    IpAddress address;
    for (size_t i = 0; i < 16; i += 2) {
      if (random() % 2 == 0) continue;
      address.bytes[i] = static_cast<uint8_t>(random() % 3 == 0 ? random() : 0);
      address.bytes[i + 1] = static_cast<uint8_t>(random());
    }
    char expected[INET6_ADDRSTRLEN];
    ASSERT_NE(inet_ntop(AF_INET6, address.bytes.data(), expected, sizeof expected), nullptr);
    if (std::string_view(expected).find('.') != std::string_view::npos) continue;  // it writes ::/96 with dots
    ASSERT_EQ(to_string(address), expected);
  }
}

TEST(FormatIp, StaysWithinItsBuffer) {
  const IpAddress longest[] = {ip("255.255.255.255"), ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), ip("0.0.0.0")};
  for (const IpAddress& address : longest) {
    std::array<char, endpoint_text_bytes_max + 1> text;
    text.fill('~');
    EXPECT_LE(format_ip(address, text.data()), ip_text_bytes_max);
    EXPECT_EQ(text[ip_text_bytes_max], '~');
    text.fill('~');
    EXPECT_LE(format_endpoint({address, 65535}, text.data()), endpoint_text_bytes_max);
    EXPECT_EQ(text[endpoint_text_bytes_max], '~');
  }
}

TEST(IpAddress, KnowsItsKind) {
  EXPECT_TRUE(ip("192.0.2.1").is_v4());
  EXPECT_EQ(ip("::ffff:192.0.2.1"), IpAddress::v4(192, 0, 2, 1));
  EXPECT_EQ(ip("2001:db8::1").family(), Family::ipv6);
  EXPECT_FALSE(ip("::192.0.2.1").is_v4());
  for (const char* text : {"0.0.0.0", "0.1.2.3", "::"}) EXPECT_TRUE(ip(text).is_unspecified()) << text;
  for (const char* text : {"1.0.0.0", "::1"}) EXPECT_FALSE(ip(text).is_unspecified()) << text;
  for (const char* text : {"127.0.0.1", "127.255.0.1", "::1"}) EXPECT_TRUE(ip(text).is_loopback()) << text;
  for (const char* text : {"128.0.0.1", "::2", "::", "1::1"}) EXPECT_FALSE(ip(text).is_loopback()) << text;
  for (const char* text : {"224.0.0.1", "239.255.255.255", "ff02::1"}) EXPECT_TRUE(ip(text).is_multicast()) << text;
  for (const char* text : {"223.255.255.255", "240.0.0.1", "fe80::1"}) EXPECT_FALSE(ip(text).is_multicast()) << text;
  for (const char* text : {"169.254.1.1", "fe80::1", "febf::1"}) EXPECT_TRUE(ip(text).is_link_local()) << text;
  for (const char* text : {"169.253.1.1", "fec0::1"}) EXPECT_FALSE(ip(text).is_link_local()) << text;
  EXPECT_TRUE(ip("255.255.255.255").is_broadcast());
  EXPECT_FALSE(ip("255.255.255.254").is_broadcast());
  EXPECT_FALSE(ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff").is_broadcast());
}

TEST(Endpoint, ReadsBothFamiliesAndWritesThemBack) {
  struct Row {
    std::string_view text;
    uint16_t default_port;
    std::string_view written;  // empty: refused
  };
  const Row rows[] = {
      {"192.0.2.1:5060", 0, "192.0.2.1:5060"},
      {"[2001:DB8::1]:5061", 0, "[2001:db8::1]:5061"},
      {"192.0.2.1", 5060, "192.0.2.1:5060"},
      {"[::1]", 5060, "[::1]:5060"},
      {"[::ffff:10.0.0.1]:1", 0, "10.0.0.1:1"},
      {"192.0.2.1:65535", 0, "192.0.2.1:65535"},
      {"192.0.2.1", 0, ""},
      {"[::1]", 0, ""},
      {"192.0.2.1:", 5060, ""},
      {"192.0.2.1:0", 5060, ""},
      {"192.0.2.1:65536", 5060, ""},
      {"192.0.2.1:123456", 5060, ""},
      {"192.0.2.1:+5", 5060, ""},
      {"192.0.2.1:50 60", 5060, ""},
      {"[192.0.2.1]:5060", 0, ""},
      {"::1", 5060, ""},
      {"2001:db8::1:5060", 5060, ""},
      {"[::1:5060", 5060, ""},
      {"[::1]5060", 5060, ""},
      {"[]:5060", 5060, ""},
      {"[", 5060, ""},
      {":5060", 5060, ""},
      {"", 5060, ""},
      {"example.com:5060", 0, ""},
  };
  for (const Row& row : rows) {
    const std::optional<Endpoint> endpoint = parse_endpoint(row.text, row.default_port);
    ASSERT_EQ(endpoint.has_value(), !row.written.empty()) << row.text;
    if (endpoint) {
      EXPECT_EQ(to_string(*endpoint), row.written) << row.text;
    }
  }
}

TEST(Endpoint, WritesEveryPort) {
  for (unsigned port = 0; port < 65536; ++port) {
    const Endpoint endpoint{IpAddress::v4(10, 0, 0, 1), static_cast<uint16_t>(port)};
    ASSERT_EQ(to_string(endpoint), "10.0.0.1:" + std::to_string(port));
  }
}

TEST(Prefix, HoldsExactlyItsAddresses) {
  struct Row {
    const char* prefix;
    const char* address;
    bool inside;
  };
  const Row rows[] = {
      {"10.77.0.1/24", "10.77.0.254", true},
      {"10.77.0.1/24", "10.77.1.1", false},
      {"10.77.0.0/23", "10.77.1.255", true},
      {"10.77.0.0/23", "10.77.2.0", false},
      {"0.0.0.0/0", "203.0.113.9", true},
      {"0.0.0.0/0", "2001:db8::1", false},
      {"::/0", "2001:db8::1", true},
      {"::/0", "203.0.113.9", false},
      {"192.0.2.1/32", "192.0.2.1", true},
      {"192.0.2.1/32", "192.0.2.0", false},
      {"2001:db8::/33", "2001:db8:7fff::1", true},
      {"2001:db8::/33", "2001:db8:8000::1", false},
      {"2001:db8::1/128", "2001:db8::1", true},
      {"2001:db8::1/128", "2001:db8::2", false},
      {"::ffff:10.0.0.0/104", "10.200.0.1", true},
  };
  for (const Row& row : rows) {
    const std::optional<Prefix> prefix = parse_prefix(row.prefix);
    ASSERT_TRUE(prefix) << row.prefix;
    EXPECT_EQ(prefix->contains(ip(row.address)), row.inside) << row.prefix << " " << row.address;
  }
  EXPECT_EQ(to_string(*parse_prefix("10.77.0.1/24")), "10.77.0.1/24");
  EXPECT_EQ(to_string(*parse_prefix("::ffff:10.0.0.0/104")), "10.0.0.0/8");
  for (const char* text : {"10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "2001:db8::/129", "10.0.0.0/-1", "/8",
                           "10.0.0.0/8/8", "10.0.0.0/255.0.0.0", "::ffff:10.0.0.0/95", "10.0.0.0/ 8", ""}) {
    EXPECT_FALSE(parse_prefix(text)) << text;
  }
}

TEST(Prefix, NamesItsNetwork) {
  struct Row {
    const char* prefix;
    unsigned bits;
    const char* network;
  };
  const Row rows[] = {
      {"10.77.3.9/24", 120, "10.77.3.0/24"},
      {"10.77.3.9/23", 119, "10.77.2.0/23"},
      {"10.77.3.9/0", 96, "0.0.0.0/0"},
      {"10.77.3.9/32", 128, "10.77.3.9/32"},
      {"2001:db8:1:2:3:4:5:6/0", 0, "::/0"},
      {"2001:db8:1:2:3:4:5:6/33", 33, "2001:db8::/33"},
      {"2001:db8:1:2:3:4:5:6/64", 64, "2001:db8:1:2::/64"},
      {"2001:db8:1:2:3:4:5:6/65", 65, "2001:db8:1:2::/65"},
      {"2001:db8:1:2:3:4:5:6/127", 127, "2001:db8:1:2:3:4:5:6/127"},
      {"2001:db8:1:2:3:4:5:6/128", 128, "2001:db8:1:2:3:4:5:6/128"},
  };
  for (const Row& row : rows) {
    const Prefix prefix = parse_prefix(row.prefix).value_or(Prefix{});
    EXPECT_EQ(prefix.bits(), row.bits) << row.prefix;
    EXPECT_EQ(to_string(prefix.network()), row.network) << row.prefix;
  }
}

TEST(Prefix, AnAddressIsThePrefixOfItsHost) {
  EXPECT_EQ(parse_network("192.0.2.1"), parse_prefix("192.0.2.1/32"));
  EXPECT_EQ(parse_network("2001:db8::1"), parse_prefix("2001:db8::1/128"));
  EXPECT_EQ(parse_network("10.0.0.0/8"), parse_prefix("10.0.0.0/8"));
  EXPECT_EQ(host_prefix(ip("192.0.2.1")), parse_prefix("192.0.2.1/32"));
  for (const char* text : {"", "10.0.0.0/33", "192.0.2.1:5060", "[2001:db8::1]", "friends"}) {
    EXPECT_FALSE(parse_network(text)) << text;
  }
}

TEST(Words, CompareAsAddressesDoAndGiveThemBack) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 1000; ++i) {
    IpAddress left, right;
    for (uint8_t& byte : left.bytes) byte = static_cast<uint8_t>(random());
    right = left;
    right.bytes[random() % 16] = static_cast<uint8_t>(random());
    EXPECT_EQ(words_of(left) < words_of(right), left < right);
    EXPECT_EQ(address_of(words_of(left)), left);
    // Bit by bit, as a mask of so many bits is defined.
    const auto bits = static_cast<unsigned>(random() % 129);
    IpAddress kept = left;
    for (unsigned bit = bits; bit < 128; ++bit) kept.bytes[bit / 8] &= static_cast<uint8_t>(~(0x80u >> (bit % 8)));
    EXPECT_EQ(network_of(left, bits), kept) << bits;
  }
}

TEST(Mac, ReadsAndWrites) {
  EXPECT_EQ(to_string(*parse_mac("02:00:5E:10:Fa:0b")), "02:00:5e:10:fa:0b");
  EXPECT_EQ(to_string(*parse_mac("02-00-5e-10-fa-0b")), "02:00:5e:10:fa:0b");
  for (const char* text : {"", "02:00:00:00:00", "02:00:00:00:00:2", "02:00:00:00:00:0g", "02-00:00-00:00-00",
                           "02:00:00:00:00:00:", "020000000002", "02.00.00.00.00.02"}) {
    EXPECT_FALSE(parse_mac(text)) << text;
  }
}

}  // namespace
}  // namespace viaduct::net
