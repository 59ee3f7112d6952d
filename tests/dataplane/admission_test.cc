#include "dataplane/admission.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "support/lab.h"

namespace viaduct::dataplane {
namespace {

using telemetry::Reason;
using test::Bytes;
using test::LabOptions;
using test::packet;
using test::PacketBuilder;

constexpr std::string_view text = "OPTIONS sip:example.com SIP/2.0\r\n\r\n";

PacketBuilder to_us() {
  return packet()
      .ethernet(test::gateway_mac, test::edge_mac)
      .between("198.51.100.7:5060", "192.0.2.10:5060")
      .payload(text);
}
PacketBuilder to_us_v6() {
  return packet()
      .ethernet(test::gateway_mac, test::edge_mac)
      .between("[2001:db8:2::7]:5060", "[2001:db8::10]:5060")
      .payload(text);
}

Admission admit(
    Bytes frame, bool twin, const std::function<void(Packet&)>& change = [](Packet&) {}) {
  const View view = test::lab_view({.twin = twin});
  Packet packet;
  packet.data = frame.data();
  packet.length = static_cast<uint32_t>(frame.size());
  change(packet);
  net::FrameView frame_view;
  return admit(packet, view, frame_view);
}

TEST(Admission, TakesWhatIsForAListenerAndSaysForWhich) {
  EXPECT_EQ(admit(to_us().frame(), true).socket(), 0);
  EXPECT_EQ(admit(to_us_v6().frame(), true).socket(), 1);
  EXPECT_TRUE(admit(to_us().vlan(5).frame(), true).ours());
  EXPECT_TRUE(admit(to_us().no_udp_checksum().frame(), true).ours());
}

struct Row {
  std::string rule;
  std::string description;
  Bytes frame;
  Reason reason;
};

void expect_refused(const std::vector<Row>& rows, bool twin) {
  for (const Row& row : rows) {
    SCOPED_TRACE(row.rule + " " + row.description);
    const Admission admission = admit(row.frame, twin);
    EXPECT_FALSE(admission.ours());
    EXPECT_EQ(text_of(admission.reason()).name, text_of(row.reason).name);
  }
}

Bytes cut(Bytes frame, size_t bytes) {
  frame.resize(frame.size() - bytes);
  return frame;
}

TEST(Admission, DropsOursThatAreIll) {
  const std::vector<Row> rows = {
      {"SEC-01", "cut short", cut(to_us().frame(), 1), Reason::frame_truncated},
      {"SEC-01", "cut inside UDP", cut(to_us().frame(), text.size() + 6), Reason::frame_truncated},
      {"SEC-01", "cut inside Ethernet", cut(to_us().frame(), to_us().frame().size() - 9), Reason::frame_truncated},
      {"SEC-01", "an empty frame", {}, Reason::frame_truncated},
      {"SEC-03", "first fragment", to_us().fragment(0x2000).frame(), Reason::fragment},
      {"SEC-03", "later fragment to our address", to_us().fragment(0x0008).frame(), Reason::fragment},
      {"IP6-05", "no checksum", to_us_v6().no_udp_checksum().frame(), Reason::udp_checksum_zero_v6},
      {"TRQ-14", "source port 0", to_us().udp(0, 5060).frame(), Reason::source_invalid},
      {"TRQ-14", "multicast", to_us().between("224.0.1.75:5060", "192.0.2.10:5060").frame(), Reason::source_invalid},
      {"TRQ-14", "broadcast", to_us().between("255.255.255.255:5060", "192.0.2.10:5060").frame(),
       Reason::source_invalid},
      {"TRQ-14", "loopback", to_us().between("127.0.0.1:5060", "192.0.2.10:5060").frame(), Reason::source_invalid},
      {"TRQ-14", "nobody", to_us().between("0.0.0.0:5060", "192.0.2.10:5060").frame(), Reason::source_invalid},
      {"TRQ-14", "IPv6 multicast", to_us_v6().between("[ff02::1]:5060", "[2001:db8::10]:5060").frame(),
       Reason::source_invalid},
      {"TRQ-14", "IPv6 loopback", to_us_v6().between("[::1]:5060", "[2001:db8::10]:5060").frame(),
       Reason::source_invalid},
      {"TRQ-14", "IPv6 nobody", to_us_v6().between("[::]:5060", "[2001:db8::10]:5060").frame(), Reason::source_invalid},
  };
  expect_refused(rows, false);
  expect_refused(rows, true);
}

std::vector<Row> others(Reason reason) {
  return {
      {"", "another port of our address", to_us().udp(5060, 5061).frame(), reason},
      {"", "another address", to_us().between("198.51.100.7:5060", "192.0.2.11:5060").frame(), reason},
      {"TRQ-12", "all SIP servers, by multicast", to_us().between("198.51.100.7:5060", "224.0.1.75:5060").frame(),
       reason},
      {"TRQ-12", "the same over IPv6", to_us_v6().between("[2001:db8:2::7]:5060", "[ff05::1:3]:5060").frame(), reason},
      {"TRQ-12", "broadcast", to_us().between("198.51.100.7:5060", "255.255.255.255:5060").frame(), reason},
      {"", "ARP", to_us().ethertype(0x0806).frame(), reason},
      {"", "TCP", to_us().protocol(6).frame(), reason},
      {"", "ICMP", to_us().protocol(1).frame(), reason},
      {"", "sent by the port's own host", to_us().ethernet(test::edge_mac, test::gateway_mac).frame(), reason},
      {"", "somebody's fragment", to_us().between("198.51.100.7:5060", "192.0.2.11:5060").fragment(0x0008).frame(),
       reason},
      {"", "a fragment for another port", to_us().udp(53, 5353).fragment(0x2000).frame(), reason},
      {"", "somebody's packet, cut", cut(to_us().udp(53, 5353).frame(), 3), reason},
      {"", "somebody's IPv6 without checksum", to_us_v6().udp(53, 5353).no_udp_checksum().frame(), reason},
      {"", "a strange source that is not for us", to_us().udp(0, 5353).frame(), reason},
  };
}

TEST(Admission, LeavesTheRestToTheKernelBehindThePort) { expect_refused(others(Reason::left_to_kernel), true); }

TEST(Admission, DropsTheRestWhereThereIsNoKernel) { expect_refused(others(Reason::not_for_us), false); }

// SEC-02: what the port found wrong is wrong; what it did not look at may be half made (veth, virtio) and is taken.
TEST(Admission, BelievesThePortAboutChecksums) {
  const auto ip_bad = [](Packet& packet) { packet.ip_checksum = ChecksumState::bad; };
  const auto udp_bad = [](Packet& packet) { packet.udp_checksum = ChecksumState::bad; };
  EXPECT_EQ(admit(to_us().frame(), true, ip_bad).reason(), Reason::ip_checksum_bad);
  EXPECT_EQ(admit(to_us().frame(), true, udp_bad).reason(), Reason::udp_checksum_bad);
  EXPECT_EQ(admit(to_us().udp(53, 53).frame(), true, udp_bad).reason(), Reason::left_to_kernel);
  Bytes partial = to_us().frame();
  test::put16(partial, 40, 0x1234);
  EXPECT_TRUE(admit(partial, true).ours());
}

// RFC 4942 section 2.2: IPv4 in IPv6 clothes would pass filters that are written for IPv4.
TEST(Admission, RefusesMappedAddressesInIpv6Packets) {
  Bytes disguised = to_us_v6().frame();
  const net::IpAddress mapped = test::ip("198.51.100.7");
  std::copy(mapped.bytes.begin(), mapped.bytes.end(), disguised.begin() + 22);
  EXPECT_EQ(admit(disguised, false).reason(), Reason::source_invalid);
  Bytes to_mapped = to_us_v6().frame();
  const net::IpAddress ours = test::ip("192.0.2.10");
  std::copy(ours.bytes.begin(), ours.bytes.end(), to_mapped.begin() + 38);
  EXPECT_EQ(admit(to_mapped, false).reason(), Reason::not_for_us);
}

}  // namespace
}  // namespace viaduct::dataplane
