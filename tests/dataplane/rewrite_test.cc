#include "dataplane/rewrite.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "support/lab.h"
#include "support/message_corpus.h"

namespace viaduct::dataplane {
namespace {

using telemetry::Reason;
using test::Bytes;

// A received message in a buffer, as a worker has it in hands when it rewrites.
struct Received {
  std::vector<uint8_t> buffer;
  Packet packet;
  net::FrameView frame;
  sip::Message message;
  proxy::Edits edits;

  explicit Received(const Bytes& bytes, uint16_t headroom = 576, uint16_t tailroom = 64)
      : buffer(headroom + bytes.size() + tailroom, 0xaa) {
    packet.data = buffer.data() + headroom;
    packet.length = static_cast<uint32_t>(bytes.size());
    packet.headroom = headroom;
    packet.tailroom = tailroom;
    std::copy(bytes.begin(), bytes.end(), packet.data);
    EXPECT_EQ(net::parse_frame({packet.data, packet.length}, frame), net::FrameError::none);
    const std::string_view text{reinterpret_cast<const char*>(packet.data) + frame.payload, frame.payload_bytes};
    EXPECT_EQ(sip::parse(text, message), sip::Datagram::sip);
  }
  void insert(uint16_t at, std::string_view text) {
    edits.begin_text();
    edits.put(text);
    edits.insert(at);
  }
  test::Datagram out() const { return test::read_back(Bytes(packet.data, packet.data + packet.length)); }
};

const std::string request = test::invite_of(test::Call{}, 1100);

Envelope envelope_v4() {
  return {.destination_mac = test::backend_mac(0),
          .source_mac = test::core_mac,
          .source = test::endpoint("10.0.0.1:5060"),
          .destination = test::endpoint("10.0.1.1:5070"),
          .port = 1,
          .mtu = 9000,
          .identification = 0x4711};
}
Envelope envelope_v6() {
  Envelope envelope = envelope_v4();
  envelope.source = test::endpoint("[fd00::1]:5060");
  envelope.destination = test::endpoint("[fd00::1:1]:5070");
  return envelope;
}

void expect_whole(const test::Datagram& out) {
  EXPECT_TRUE(out.lengths_right);
  EXPECT_TRUE(out.ip_checksum_right);
  EXPECT_TRUE(out.udp_checksum_right);
}

TEST(Rewrite, WritesADatagramOfOurs) {
  Received in(
      test::packet().between("198.51.100.7:5060", "192.0.2.10:5060").traffic_class(0x6b).payload(request).frame());
  const Bytes before(in.packet.data, in.packet.data + in.packet.length);
  in.insert(in.message.first_row, "Via: SIP/2.0/UDP 10.0.0.1\r\n");
  ASSERT_FALSE(rewrite_forwarded(in.packet, in.frame, in.message, in.edits, envelope_v4()));
  const test::Datagram out = in.out();
  expect_whole(out);
  EXPECT_EQ(out.source_mac, test::core_mac);
  EXPECT_EQ(out.destination_mac, test::backend_mac(0));
  EXPECT_EQ(to_string(out.source), "10.0.0.1:5060");
  EXPECT_EQ(to_string(out.destination), "10.0.1.1:5070");
  EXPECT_EQ(out.time_to_live, 64);
  EXPECT_EQ(out.traffic_class, 0x68) << "the DSCP is kept, ECN is not: RFC 3168";
  EXPECT_EQ(out.identification, 0x4711);
  EXPECT_EQ(out.flags_offset, 0) << "DF is clear";
  std::string expected = request;
  expected.insert(in.message.first_row, "Via: SIP/2.0/UDP 10.0.0.1\r\n");
  EXPECT_EQ(out.payload, expected);
  EXPECT_EQ(in.packet.port, 1);
  EXPECT_EQ(in.packet.l2_bytes, 14);
  EXPECT_EQ(in.packet.l3_bytes, 20);
  EXPECT_EQ(in.packet.ip_checksum, ChecksumState::good);
  EXPECT_EQ(in.packet.udp_checksum, ChecksumState::good);
}

// The rest of the message, the body above all, is where it was, and so is the end of the buffer.
TEST(Rewrite, TheBodyDoesNotMove) {
  for (const bool v6 : {false, true}) {
    Received in(test::packet().between("198.51.100.7:5060", "192.0.2.10:5060").payload(request).frame());
    const uint8_t* const body = in.packet.data + in.frame.payload + in.message.body;
    const std::string body_text(test::body_of(request));
    in.insert(in.message.first_row, std::string(300, 'x') + ": y\r\n");
    const size_t room = in.packet.headroom + in.packet.length + in.packet.tailroom;
    ASSERT_FALSE(rewrite_forwarded(in.packet, in.frame, in.message, in.edits, v6 ? envelope_v6() : envelope_v4()));
    const uint8_t* const end = in.packet.data + in.packet.length;
    EXPECT_EQ(end - body_text.size(), body);
    EXPECT_EQ(std::string(body, end), body_text);
    EXPECT_EQ(in.packet.headroom + in.packet.length + in.packet.tailroom, room);
    EXPECT_EQ(in.packet.data - in.packet.headroom, in.buffer.data());
  }
}

TEST(Rewrite, KeepsTheTagsOfTheReceivedFrameOnItsPort) {
  for (const bool v6 : {false, true}) {
    for (const bool same_port : {false, true}) {
      Received in(test::packet().vlan(0x2005, 0x88a8).vlan(0x6064).payload(request).frame());
      const Envelope envelope = v6 ? envelope_v6() : envelope_v4();
      in.packet.port = same_port ? envelope.port : 0;
      ASSERT_FALSE(rewrite_forwarded(in.packet, in.frame, in.message, in.edits, envelope));
      const test::Datagram out = in.out();
      expect_whole(out);
      EXPECT_EQ(out.v6, v6);
      const std::vector<uint16_t> tags{0x88a8, 0x2005, 0x8100, 0x6064};
      EXPECT_EQ(out.tags, same_port ? tags : std::vector<uint16_t>());
      EXPECT_EQ(out.payload, request);
      EXPECT_EQ(in.packet.l2_bytes, same_port ? 22 : 14);
    }
  }
}

TEST(Rewrite, ChangesTheFamilyBothWays) {
  Received up(test::packet().traffic_class(0xb8).payload(request).frame());
  ASSERT_FALSE(rewrite_forwarded(up.packet, up.frame, up.message, up.edits, envelope_v6()));
  test::Datagram out = up.out();
  expect_whole(out);
  EXPECT_TRUE(out.v6);
  EXPECT_EQ(to_string(out.destination), "[fd00::1:1]:5070");
  EXPECT_EQ(out.traffic_class, 0xb8);
  EXPECT_EQ(out.time_to_live, 64);
  EXPECT_EQ(up.packet.l3_bytes, 40);
  EXPECT_EQ(out.payload, request);

  Received down(test::packet().ip("2001:db8::7", "2001:db8::10").traffic_class(0xb8).payload(request).frame());
  ASSERT_FALSE(rewrite_forwarded(down.packet, down.frame, down.message, down.edits, envelope_v4()));
  out = down.out();
  expect_whole(out);
  EXPECT_FALSE(out.v6);
  EXPECT_EQ(out.traffic_class, 0xb8);
  EXPECT_EQ(out.payload, request);
}

TEST(Rewrite, AShrinkingMessageSlidesTheOtherWay) {
  Received in(test::packet().payload(request).frame());
  in.edits.remove(in.message.via[0].removal);
  ASSERT_FALSE(rewrite_forwarded(in.packet, in.frame, in.message, in.edits, envelope_v4()));
  std::string expected = request;
  const size_t begin = expected.find("Via:"), end = expected.find("\r\n", begin) + 2;
  expected.erase(begin, end - begin);
  expect_whole(in.out());
  EXPECT_EQ(in.out().payload, expected);
}

// PAR-14: what follows the body by Content-Length is not part of the message. SEC-01: nor is padding.
TEST(Rewrite, TheMessageEndsWhereItSaysItEnds) {
  Received in(test::packet().payload(request + "INVITE sip:second@example.com SIP/2.0\r\n").padding(20).frame());
  ASSERT_FALSE(rewrite_forwarded(in.packet, in.frame, in.message, in.edits, envelope_v4()));
  expect_whole(in.out());
  EXPECT_EQ(in.out().payload, request);
}

// PAR-18: CRLFs before the start line are skipped and not forwarded.
TEST(Rewrite, LeadingCrlfsStayBehind) {
  Received in(test::packet().payload("\r\n\r\n" + request).frame());
  ASSERT_EQ(in.message.start_line.begin, 4);
  in.insert(in.message.first_row, "Via: SIP/2.0/UDP 10.0.0.1\r\n");
  ASSERT_FALSE(rewrite_forwarded(in.packet, in.frame, in.message, in.edits, envelope_v4()));
  std::string expected = request;
  expected.insert(expected.find("Via:"), "Via: SIP/2.0/UDP 10.0.0.1\r\n");
  expect_whole(in.out());
  EXPECT_EQ(in.out().payload, expected);
}

TEST(Rewrite, LeavesChecksumsToAPortThatPromisedThem) {
  for (const bool v6 : {false, true}) {
    Envelope envelope = v6 ? envelope_v6() : envelope_v4();
    envelope.ipv4_checksum_offload = envelope.udp_checksum_offload = true;
    Received in(test::packet().payload(request).frame());
    ASSERT_FALSE(rewrite_forwarded(in.packet, in.frame, in.message, in.edits, envelope));
    const Bytes out(in.packet.data, in.packet.data + in.packet.length);
    const size_t udp = v6 ? 54 : 34;
    EXPECT_EQ(test::get16(out, udp + 6), test::pseudo_sum(out, 14, v6, 8 + request.size()))
        << "the pseudo-header's sum";
    EXPECT_EQ(in.packet.udp_checksum, ChecksumState::unknown);
    EXPECT_EQ(in.packet.ip_checksum, v6 ? ChecksumState::good : ChecksumState::unknown);
    if (!v6) {
      EXPECT_EQ(test::get16(out, 24), 0u);
    }
  }
}

// FWD-13: a computed 0 is sent as 0xffff, for 0 means none. The last two octets of the body are chosen so.
TEST(Rewrite, NeverSendsAZeroUdpChecksum) {
  for (const Envelope& envelope : {envelope_v4(), envelope_v6()}) {
    std::string text = request + std::string(request.size() % 2, ' ');
    text.replace(text.find("Content-Length: "), 19, "Content-Length: " + std::to_string(test::body_of(text).size()));
    text[text.size() - 2] = text[text.size() - 1] = '\0';
    Received probe(test::packet().payload(text).frame());
    ASSERT_FALSE(rewrite_forwarded(probe.packet, probe.frame, probe.message, probe.edits, envelope));
    const size_t checksum_at = probe.packet.length - text.size() - 2;
    const Bytes first(probe.packet.data, probe.packet.data + probe.packet.length);
    const size_t wanted = test::get16(first, checksum_at);  // adding it makes the sum 0xffff, whose inverse is 0
    text[text.size() - 2] = static_cast<char>(wanted >> 8), text[text.size() - 1] = static_cast<char>(wanted);
    Received in(test::packet().payload(text).frame());
    ASSERT_FALSE(rewrite_forwarded(in.packet, in.frame, in.message, in.edits, envelope));
    const Bytes out(in.packet.data, in.packet.data + in.packet.length);
    EXPECT_EQ(test::get16(out, checksum_at), 0xffffu);
    expect_whole(in.out());
  }
}

TEST(Rewrite, RefusesWhatExceedsTheMtu) {
  Envelope envelope = envelope_v4();
  Received in(test::packet().payload(request).frame());
  envelope.mtu = static_cast<uint16_t>(28 + request.size() - 1);
  EXPECT_EQ(rewrite_forwarded(in.packet, in.frame, in.message, in.edits, envelope), Reason::over_mtu);
  EXPECT_EQ(rewrite_reply(in.packet, in.frame, request, envelope), Reason::over_mtu);
  envelope.mtu = static_cast<uint16_t>(28 + request.size());
  EXPECT_FALSE(rewrite_forwarded(in.packet, in.frame, in.message, in.edits, envelope));
}

TEST(Rewrite, RefusesWhatHasNoRoomToGrow) {
  const Bytes frame = test::packet().payload(request).frame();
  Received exact(frame, 40);
  exact.insert(exact.message.first_row, std::string(40, 'x'));
  EXPECT_FALSE(rewrite_forwarded(exact.packet, exact.frame, exact.message, exact.edits, envelope_v4()));
  expect_whole(exact.out());
  EXPECT_EQ(exact.packet.headroom, 0);

  Received one_less(frame, 39);
  one_less.insert(one_less.message.first_row, std::string(40, 'x'));
  const Bytes before = one_less.buffer;
  EXPECT_EQ(rewrite_forwarded(one_less.packet, one_less.frame, one_less.message, one_less.edits, envelope_v4()),
            Reason::no_headroom);
  EXPECT_EQ(one_less.buffer, before);

  Received no_room_for_v6(frame, 19);
  EXPECT_EQ(rewrite_forwarded(no_room_for_v6.packet, no_room_for_v6.frame, no_room_for_v6.message, no_room_for_v6.edits,
                              envelope_v6()),
            Reason::no_headroom);
}

struct Size {
  size_t reply;
  uint16_t headroom, tailroom;
  bool v6, fits;
};

// An answer stands where the message stood, behind it or before it, wherever there is room.
TEST(Rewrite, AnAnswerTakesTheMessagesPlace) {
  const size_t received = 42 + request.size();
  const std::vector<Size> sizes = {
      {300, 0, 0, false, true},                      // shorter
      {request.size(), 0, 0, false, true},           // equal
      {request.size() + 1, 0, 0, false, false},      // no room at all
      {request.size() + 100, 0, 100, false, true},   // grows behind
      {request.size() + 100, 100, 0, false, true},   // grows before
      {request.size() + 100, 50, 50, false, true},   // grows both ways
      {request.size() + 100, 50, 49, false, false},  //
      {300, 0, 0, true, true},                       // a longer header pushes it back
      {request.size(), 0, 20, true, true},           //
      {request.size(), 0, 19, true, false},          //
  };
  std::mt19937 random(1);
  for (const Size& size : sizes) {
    SCOPED_TRACE(std::to_string(size.reply) + " bytes, " + std::to_string(size.headroom) + " before, " +
                 std::to_string(size.tailroom) + " behind");
    std::string text(size.reply, ' ');
    for (char& character : text) character = static_cast<char>(random());
    Received in(test::packet().payload(request).frame(), size.headroom, size.tailroom);
    ASSERT_EQ(in.packet.length, received);
    const auto refused = rewrite_reply(in.packet, in.frame, text, size.v6 ? envelope_v6() : envelope_v4());
    EXPECT_EQ(refused.has_value(), !size.fits);
    if (refused) {
      EXPECT_EQ(*refused, Reason::no_headroom);
      continue;
    }
    expect_whole(in.out());
    EXPECT_EQ(in.out().payload, text);
    EXPECT_GE(in.packet.data, in.buffer.data());
    EXPECT_LE(in.packet.data + in.packet.length, in.buffer.data() + in.buffer.size());
    EXPECT_EQ(in.packet.headroom + in.packet.length + in.packet.tailroom, in.buffer.size());
  }
}

}  // namespace
}  // namespace viaduct::dataplane
