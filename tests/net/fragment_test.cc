#include "net/fragment.h"

#include <gtest/gtest.h>

#include "support/fragments.h"

namespace viaduct::net {
namespace {

using test::Bytes;
using test::fragment_of;
using test::packet;

std::string letters(size_t count) {
  std::string text(count, ' ');
  for (size_t i = 0; i < count; ++i) text[i] = static_cast<char>('a' + i * 7 % 23);
  return text;
}

test::PacketBuilder v4(size_t bytes) { return packet().payload(letters(bytes)); }
test::PacketBuilder v6(size_t bytes) {
  return packet().between("[2001:db8:2::7]:5060", "[2001:db8::10]:5060").payload(letters(bytes));
}

FragmentFault read(const Bytes& frame, Fragment& fragment) {
  FrameView view;
  EXPECT_EQ(parse_frame(frame, view), FrameError::fragment);
  return read_fragment(frame, view, fragment);
}

FragmentFault fault_of(const Bytes& frame) {
  Fragment fragment;
  return read(frame, fragment);
}

TEST(Fragment, SaysWhichPartOfWhat) {
  for (const bool six : {false, true}) {
    SCOPED_TRACE(six);
    const Bytes whole = (six ? v6(2000) : v4(2000)).vlan(100).frame();
    Fragment fragment;
    ASSERT_EQ(read(fragment_of(whole, 0, 1480, true, 0xabcd), fragment), FragmentFault::none);
    EXPECT_EQ(fragment.family, six ? Family::ipv6 : Family::ipv4);
    EXPECT_EQ(to_string(fragment.source), six ? "2001:db8:2::7" : "198.51.100.7");
    EXPECT_EQ(to_string(fragment.destination), six ? "2001:db8::10" : "192.0.2.10");
    EXPECT_EQ(fragment.identification, 0xabcdu);
    EXPECT_EQ(fragment.offset, 0);
    EXPECT_EQ(fragment.bytes, 1480);
    EXPECT_TRUE(fragment.more);
    EXPECT_EQ(fragment.l3, 18);
    EXPECT_EQ(fragment.payload, six ? 18 + 48 : 18 + 20);
    ASSERT_EQ(read(fragment_of(whole, 1480, 2008, false, 0xabcd), fragment), FragmentFault::none);
    EXPECT_EQ(fragment.offset, 1480);
    EXPECT_EQ(fragment.end(), 2008u);
    EXPECT_FALSE(fragment.more);
  }
}

TEST(Fragment, IllPartsAreToldByTheirFault) {  // SEC-03
  for (const bool six : {false, true}) {
    SCOPED_TRACE(six);
    const Bytes whole = (six ? v6(2000) : v4(2000)).frame();
    EXPECT_EQ(fault_of(fragment_of(whole, 0, 1000, true, 1)), FragmentFault::none);
    EXPECT_EQ(fault_of(fragment_of(whole, 0, 1004, true, 1)), FragmentFault::malformed) << "not a multiple of 8";
    EXPECT_EQ(fault_of(fragment_of(whole, 8, 8, false, 1)), FragmentFault::malformed) << "empty";
    EXPECT_EQ(fault_of(fragment_of(whole, 0, 40, true, 1)), FragmentFault::tiny);
    EXPECT_EQ(fault_of(fragment_of(whole, 0, 8, true, 1)), FragmentFault::tiny) << "the UDP header alone";
    EXPECT_EQ(fault_of(fragment_of(whole, 8, 16, true, 1)), FragmentFault::tiny);
    EXPECT_EQ(fault_of(fragment_of(whole, 2000, 2008, false, 1)), FragmentFault::none) << "the last may be short";
    Bytes cut = fragment_of(whole, 1000, 2008, false, 1);
    cut.pop_back();
    EXPECT_EQ(fault_of(cut), FragmentFault::cut);
    // The ping of death: it begins within the largest datagram and ends beyond.
    Bytes far = fragment_of(whole, 0, 1000, true, 1);
    const size_t ip = test::ip_at(far);
    test::put16(far, six ? ip + 42 : ip + 6, six ? 0xfff9 : 0x3fff);
    EXPECT_EQ(fault_of(far), FragmentFault::malformed);
  }
}

TEST(Fragment, OptionsBeforeTheFragmentHeaderAreWalked) {
  const Bytes frame = v6(1000).extension(0, {0, 0, 1, 4, 0, 0, 0, 0}).extension(44, {0, 0, 0, 1, 0, 0, 0, 9}).frame();
  Fragment fragment;
  ASSERT_EQ(read(frame, fragment), FragmentFault::none);
  EXPECT_EQ(fragment.identification, 9u);
  EXPECT_EQ(fragment.payload, 14 + 40 + 8 + 8);
  EXPECT_EQ(fragment.bytes, 1008);
}

TEST(Fragment, WhatIsCutFitsAndIsTheSamePutTogether) {  // LBG-20
  for (const bool six : {false, true}) {
    for (const size_t bytes : {200, 1473, 4000, 9000, 30000}) {
      for (const uint16_t mtu : {576, 1280, 1500, 1501, 9000}) {
        SCOPED_TRACE(testing::Message() << "IPv" << (six ? 6 : 4) << ", " << bytes << " over " << mtu);
        const Bytes whole = (six ? v6(bytes) : v4(bytes)).vlan(7).frame();
        const Cut cut(whole, 18, six ? 40 : 20, mtu, 0x12345678);
        test::Receiver receiver;
        std::vector<uint8_t> out(cut.frame_bytes_max() + 1, 0xee);
        for (size_t i = 0; i < cut.count(); ++i) {
          const size_t length = cut.write(i, out.data());
          ASSERT_LE(length, cut.frame_bytes_max());
          ASSERT_EQ(out.back(), 0xee);
          receiver.take({out.begin(), out.begin() + static_cast<std::ptrdiff_t>(length)});
        }
        EXPECT_LE(receiver.longest_packet, mtu);
        ASSERT_EQ(receiver.whole.size(), 1u);
        EXPECT_EQ(receiver.whole[0], whole);
        EXPECT_TRUE(test::read_back(receiver.whole[0]).udp_checksum_right);
      }
    }
  }
}

TEST(Fragment, NoRoomForAPartIsNoCut) {
  const Bytes whole = v4(1000).frame();
  EXPECT_EQ(Cut(whole, 14, 20, 27, 0).count(), 0u);
  EXPECT_EQ(Cut(whole, 14, 20, 28, 0).count(), 126u);
}

}  // namespace
}  // namespace viaduct::net
