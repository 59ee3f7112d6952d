#include "net/icmp.h"

#include <gtest/gtest.h>

#include "support/icmp.h"

namespace viaduct::net {
namespace {

using test::Bytes;
using test::icmp_about;

const Bytes sent_v4 = test::packet().between("10.0.0.1:5060", "10.0.1.1:5070").payload("INVITE").frame();
const Bytes sent_v6 = test::packet().between("[fd00::1]:5060", "[fd00::1:1]:5070").payload("INVITE").frame();

std::optional<IcmpError> read(const Bytes& frame) {
  FrameView view;
  EXPECT_EQ(parse_frame(frame, view), FrameError::not_udp);
  return read_icmp_error(frame, view);
}

TEST(Icmp, TooBigSaysForWhomAndHowMuchFits) {  // LBG-22
  for (const bool v6 : {false, true}) {
    const auto error =
        read(v6 ? icmp_about(sent_v6, "fd00::99", 2, 0, 1280) : icmp_about(sent_v4, "10.0.0.99", 3, 4, 1280));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind, IcmpError::Kind::too_big);
    EXPECT_EQ(error->mtu, 1280u);
    EXPECT_EQ(to_string(error->source), v6 ? "[fd00::1]:5060" : "10.0.0.1:5060");
    EXPECT_EQ(to_string(error->destination), v6 ? "[fd00::1:1]:5070" : "10.0.1.1:5070");
  }
}

TEST(Icmp, WhatMeansThatNobodyIsThere) {  // LBG-21
  struct Row {
    bool v6;
    uint8_t type, code;
    bool counts;
  };
  const Row rows[] = {
      {false, 3, 0, true},  {false, 3, 1, true},   {false, 3, 2, true},   {false, 3, 3, true},  {false, 12, 0, true},
      {false, 4, 0, false}, {false, 11, 0, false}, {false, 3, 13, false}, {false, 8, 0, false}, {true, 1, 0, true},
      {true, 1, 3, true},   {true, 1, 4, true},    {true, 4, 1, true},    {true, 3, 0, false},  {true, 128, 0, false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(testing::Message() << "IPv" << (row.v6 ? 6 : 4) << " type " << int{row.type} << " code "
                                    << int{row.code});
    const auto error = read(row.v6 ? icmp_about(sent_v6, "fd00::99", row.type, row.code, 0)
                                   : icmp_about(sent_v4, "10.0.0.99", row.type, row.code, 0));
    ASSERT_EQ(error.has_value(), row.counts);
    if (row.counts) {
      EXPECT_EQ(error->kind, IcmpError::Kind::unreachable);
      EXPECT_EQ(error->destination.port, 5070);
    }
  }
}

TEST(Icmp, WhatIsNotWellFormedSaysNothing) {
  for (const bool v6 : {false, true}) {
    SCOPED_TRACE(v6);
    const Bytes good = v6 ? icmp_about(sent_v6, "fd00::99", 2, 0, 1280) : icmp_about(sent_v4, "10.0.0.99", 3, 4, 1280);
    Bytes broken = good;
    broken.back() ^= 1;
    EXPECT_FALSE(read(broken)) << "checksum";
    for (size_t size = 14 + (v6 ? 40 : 20); size < good.size(); ++size) {
      Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
      FrameView view;
      parse_frame(cut, view);
      EXPECT_FALSE(read_icmp_error(cut, view)) << size;
    }
    // A quotation of a later part of a datagram, of TCP, and one that ends before the ports.
    Bytes sent = v6 ? sent_v6 : sent_v4;
    const size_t ip = test::ip_at(sent);
    Bytes later = sent, tcp = sent,
          brief(sent.begin(), sent.begin() + static_cast<std::ptrdiff_t>(ip + (v6 ? 43 : 23)));
    if (v6) {
      later = test::fragment_of(sent, 8, 14, false, 1);
      tcp.at(ip + 6) = 6;
    } else {
      test::put16(later, ip + 6, 0x0002);
      tcp.at(ip + 9) = 6;
    }
    for (const Bytes& quoted : {later, tcp, brief}) {
      EXPECT_FALSE(read(v6 ? icmp_about(quoted, "fd00::99", 2, 0, 1280) : icmp_about(quoted, "10.0.0.99", 3, 4, 1280)));
    }
  }
  const Bytes first = test::fragment_of(sent_v6, 0, 8, true, 1);
  EXPECT_TRUE(read(icmp_about(first, "fd00::99", 2, 0, 1280))) << "the first part has them";
}

}  // namespace
}  // namespace viaduct::net
