#include "net/frame.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "support/packet_builder.h"

namespace viaduct::net {
namespace {

using test::Bytes;
using test::packet;
using test::PacketBuilder;

const std::string text = "OPTIONS sip:example.com SIP/2.0\r\n\r\n";

PacketBuilder v4_packet() { return packet().ip("198.51.100.7", "192.0.2.10").udp(40000, 5060).payload(text); }
PacketBuilder v6_packet() { return packet().ip("2001:db8::7", "2001:db8::10").udp(40000, 5060).payload(text); }

Bytes options_extension(size_t units = 1) {
  Bytes bytes(8 * units, 0);
  bytes[1] = static_cast<uint8_t>(units - 1);
  return bytes;
}

Bytes fragment_extension(uint16_t offset_more) {
  return {0, 0, static_cast<uint8_t>(offset_more >> 8), static_cast<uint8_t>(offset_more), 0, 0, 0, 9};
}

std::string_view payload_of(const Bytes& frame, const FrameView& view) {
  return {reinterpret_cast<const char*>(frame.data()) + view.payload, view.payload_bytes};
}

TEST(Frame, ReadsUdpOverIpv4) {
  const Bytes frame = v4_packet().traffic_class(0x61).frame();
  FrameView view;
  ASSERT_EQ(parse_frame(frame, view), FrameError::none);
  EXPECT_EQ(view.l3, 14);
  EXPECT_EQ(view.l4, 34);
  EXPECT_EQ(view.payload, 42);
  EXPECT_EQ(view.l3, 14 + 0);
  EXPECT_EQ(view.dscp, 0x18);
  EXPECT_EQ(view.family, Family::ipv4);
  EXPECT_EQ(to_string(view.source), "198.51.100.7:40000");
  EXPECT_EQ(to_string(view.destination), "192.0.2.10:5060");
  EXPECT_EQ(to_string(view.source_mac), "02:00:00:00:00:01");
  EXPECT_EQ(payload_of(frame, view), text);
}

TEST(Frame, ReadsUdpOverIpv6) {
  const Bytes frame = v6_packet().traffic_class(0x61).frame();
  FrameView view;
  ASSERT_EQ(parse_frame(frame, view), FrameError::none);
  EXPECT_EQ(view.l4, 54);
  EXPECT_EQ(view.dscp, 0x18);
  EXPECT_EQ(view.family, Family::ipv6);
  EXPECT_EQ(to_string(view.source), "[2001:db8::7]:40000");
  EXPECT_EQ(to_string(view.destination), "[2001:db8::10]:5060");
  EXPECT_EQ(payload_of(frame, view), text);
}

TEST(Frame, KeepsTags) {
  const Bytes frame = v4_packet().vlan(0x2005, 0x88a8).vlan(0x0064).frame();
  FrameView view;
  ASSERT_EQ(parse_frame(frame, view), FrameError::none);
  EXPECT_EQ(view.l3, 22);
  EXPECT_EQ(view.l3, 14 + 8);
  EXPECT_EQ(view.tags, (std::array<uint8_t, 8>{0x88, 0xa8, 0x20, 0x05, 0x81, 0x00, 0x00, 0x64}));
  EXPECT_EQ(payload_of(frame, view), text);
}

// A tag leads past the quick look at a usual frame: with it and without it, a frame spoilt anywhere reads the same.
TEST(Frame, AQuickLookSeesWhatALongOneSees) {
  SCOPED_TRACE("SEC-01");
  std::mt19937 random(22);
  const Bytes plain = v4_packet().traffic_class(0x61).frame();
  int whole = 0;
  for (int round = 0; round < 200'000; ++round) {
    Bytes frame = plain;
    for (unsigned spoilt = random() % 3; spoilt != 0; --spoilt) {
      frame[14 + random() % 28] ^= static_cast<uint8_t>(random() % 2 == 0 ? 1 << random() % 8 : random());
    }
    if (random() % 4 == 0) frame.resize(14 + random() % (frame.size() - 14));
    Bytes tagged = frame;
    const uint8_t tag[] = {0x81, 0x00, 0x00, 0x05};
    tagged.insert(tagged.begin() + 12, std::begin(tag), std::end(tag));
    FrameView quick, slow;
    std::memset(static_cast<void*>(&quick), 0xa5, sizeof quick);  // nothing is left of what was there
    const FrameError error = parse_frame(frame, quick);
    ASSERT_EQ(parse_frame(tagged, slow), error);
    ASSERT_EQ(quick.has_addresses, slow.has_addresses);
    ASSERT_EQ(quick.has_ports, slow.has_ports);
    ASSERT_EQ(quick.source_mac, slow.source_mac);
    ASSERT_EQ(quick.destination_mac, slow.destination_mac);
    ASSERT_EQ(quick.tags, (std::array<uint8_t, 8>{}));
    if (slow.has_addresses) {
      ASSERT_EQ(quick.family, slow.family);
      ASSERT_EQ(quick.dscp, slow.dscp);
      ASSERT_EQ(quick.source, slow.source);
      ASSERT_EQ(quick.destination, slow.destination);
    }
    if (slow.has_ports) {
      ASSERT_EQ(quick.l4 + 4, slow.l4);
    }
    if (error != FrameError::none) continue;
    ++whole;
    ASSERT_EQ(quick.payload + 4, slow.payload);
    ASSERT_EQ(quick.payload_bytes, slow.payload_bytes);
  }
  EXPECT_GT(whole, 50'000);
}

struct Row {
  std::string description;
  PacketBuilder packet;
  FrameError expected;
  std::function<void(Bytes&)> harm = [](Bytes&) {};
};

TEST(Frame, TellsWhatIsWrong) {
  const std::vector<Row> rows = {
      {"whole", v4_packet(), FrameError::none},
      {"padding behind the datagram is not part of it", v4_packet().padding(18), FrameError::none},
      {"IPv4 options are skipped", v4_packet().ipv4_options({1, 1, 1, 0}), FrameError::none},
      {"no UDP checksum over IPv4 means none (IP6-05)", v4_packet().no_udp_checksum(), FrameError::none},
      {"no UDP checksum over IPv6 is refused (IP6-05)", v6_packet().no_udp_checksum(), FrameError::zero_checksum_v6},
      {"ARP", v4_packet().ethertype(0x0806), FrameError::not_ip},
      {"an 802.3 length", v4_packet().ethertype(38), FrameError::not_ip},
      {"three tags", v4_packet().vlan(1).vlan(2).vlan(3), FrameError::not_ip},
      {"IPv6 behind the EtherType of IPv4", v6_packet().ethertype(0x0800), FrameError::not_ip},
      {"IPv4 behind the EtherType of IPv6", v4_packet().ethertype(0x86dd), FrameError::not_ip},
      {"an IPv4 header of four words", v4_packet(), FrameError::not_ip, [](Bytes& frame) { frame[14] = 0x44; }},
      {"TCP", v4_packet().protocol(6), FrameError::not_udp},
      {"ICMPv6", v6_packet().protocol(58), FrameError::not_udp},
      {"a frame shorter than the IP length (SEC-01)", v4_packet(), FrameError::truncated,
       [](Bytes& frame) { frame.pop_back(); }},
      {"the same over IPv6 (SEC-01)", v6_packet(), FrameError::truncated, [](Bytes& frame) { frame.pop_back(); }},
      {"an IP length shorter than its header", v4_packet(), FrameError::truncated,
       [](Bytes& frame) { test::put16(frame, 16, 19); }},
      {"a UDP length above the IP payload (SEC-01)", v4_packet(), FrameError::truncated,
       [](Bytes& frame) { test::put16(frame, 38, 8 + text.size() + 1); }},
      {"a UDP length below its header", v4_packet(), FrameError::truncated,
       [](Bytes& frame) { test::put16(frame, 38, 7); }},
      {"a UDP length of 0 over IPv6 (jumbogram)", v6_packet(), FrameError::truncated,
       [](Bytes& frame) { test::put16(frame, 58, 0); }},
      {"the first of several fragments", v4_packet().fragment(0x2000), FrameError::fragment},
      {"the last fragment", v4_packet().fragment(0x0001), FrameError::fragment},
      {"DF is no fragment", v4_packet().fragment(0x4000), FrameError::none},
      {"hop-by-hop options", v6_packet().extension(0, options_extension()), FrameError::none},
      {"two kinds of options", v6_packet().extension(0, options_extension(2)).extension(60, options_extension(3)),
       FrameError::none},
      {"options longer than the packet", v6_packet().extension(0, options_extension()), FrameError::truncated,
       [](Bytes& frame) { frame[55] = 200; }},
      {"a routing header", v6_packet().extension(43, options_extension()), FrameError::not_udp},
      {"a chain of options without end",
       [] {
         PacketBuilder builder = v6_packet();
         for (int i = 0; i < 40; ++i) builder.extension(60, options_extension());
         return builder;
       }(),
       FrameError::not_udp},
      {"the first IPv6 fragment", v6_packet().extension(44, fragment_extension(0x0001)), FrameError::fragment},
      {"a later IPv6 fragment", v6_packet().extension(44, fragment_extension(0x0008)), FrameError::fragment},
      {"an atomic IPv6 fragment is whole", v6_packet().extension(44, fragment_extension(0)), FrameError::none},
      {"a fragment of TCP", v6_packet().protocol(6).extension(44, fragment_extension(0x0001)), FrameError::not_udp},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.description);
    Bytes frame = row.packet.frame();
    row.harm(frame);
    FrameView view;
    EXPECT_EQ(parse_frame(frame, view), row.expected);
    if (row.expected == FrameError::none) {
      EXPECT_EQ(payload_of(frame, view), text);
    }
  }
}

TEST(Frame, SaysForWhomAnIllFrameWas) {
  FrameView view;
  parse_frame(v4_packet().fragment(0x2000).frame(), view);
  EXPECT_TRUE(view.has_ports);
  EXPECT_EQ(to_string(view.destination), "192.0.2.10:5060");
  parse_frame(v4_packet().fragment(0x0010).frame(), view);
  EXPECT_FALSE(view.has_ports);
  EXPECT_TRUE(view.has_addresses);
  EXPECT_EQ(to_string(view.destination.address), "192.0.2.10");
  parse_frame(v6_packet().extension(44, fragment_extension(0x0008)).frame(), view);
  EXPECT_FALSE(view.has_ports);
  EXPECT_TRUE(view.has_addresses);
}

// SEC-01: whatever is missing at the end, it is found; the copy on the heap has exactly the length, for sanitizers.
TEST(Frame, EveryPrefixIsTruncated) {
  for (const Bytes& frame : {v4_packet().vlan(7).frame(), v4_packet().ipv4_options(Bytes(40, 1)).frame(),
                             v6_packet().frame(), v6_packet().extension(0, options_extension(2)).frame()}) {
    for (size_t length = 0; length < frame.size(); ++length) {
      const Bytes prefix(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length));
      FrameView view;
      EXPECT_EQ(parse_frame(prefix, view), FrameError::truncated) << length;
    }
  }
}

TEST(Frame, NeverReadsBeyondWhateverArrives) {
  std::mt19937 random(20261121);
  std::vector<Bytes> seeds = {v4_packet().frame(), v6_packet().frame(), v4_packet().vlan(1).vlan(2).frame(),
                              v6_packet().extension(0, options_extension()).extension(60, options_extension()).frame()};
  size_t whole = 0;
  for (int round = 0; round < 200'000; ++round) {
    Bytes frame = seeds[random() % seeds.size()];
    for (unsigned i = random() % 4; i > 0; --i) frame[random() % 70] = static_cast<uint8_t>(random());
    frame.resize(random() % 3 == 0 ? random() % frame.size() : frame.size());
    FrameView view;
    if (parse_frame(frame, view) != FrameError::none) continue;
    ++whole;
    ASSERT_LE(size_t{view.payload} + view.payload_bytes, frame.size());
    ASSERT_GE(view.payload, 42);
  }
  EXPECT_GT(whole, 1000u);
}

}  // namespace
}  // namespace viaduct::net
