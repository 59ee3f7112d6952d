// Frames for the kernel behind a port that it cannot see: what goes first when there are too many.
#include "dpdk/exception_path.h"

#include <gtest/gtest.h>

#include "support/packet_builder.h"

namespace viaduct::dpdk {
namespace {

using Rank = ExceptionPath::Rank;
using test::Bytes;

Bytes with(Bytes frame, size_t at, uint8_t value) {
  frame.at(at) = value;
  return frame;
}

TEST(ExceptionPath, WhatTheHostLivesByComesFirst) {
  const Bytes v4 = test::packet().between("192.0.2.1:9", "192.0.2.10:9").payload("x").frame();
  const Bytes v6 = test::packet().between("[2001:db8::1]:9", "[2001:db8::10]:9").payload("x").frame();
  const Bytes tagged = test::packet().vlan(7).between("192.0.2.1:9", "192.0.2.10:9").payload("x").frame();
  constexpr size_t type = 12, v4_protocol = 14 + 9, v6_next = 14 + 6, v6_payload = 14 + 40;

  EXPECT_EQ(ExceptionPath::rank_of(with(v4, type + 1, 6)), Rank::neighbors) << "ARP";
  EXPECT_EQ(ExceptionPath::rank_of(with(with(v6, v6_next, 58), v6_payload, 135)), Rank::neighbors) << "ND";
  EXPECT_EQ(ExceptionPath::rank_of(with(v4, v4_protocol, 6)), Rank::peers) << "TCP";
  EXPECT_EQ(ExceptionPath::rank_of(with(v6, v6_next, 89)), Rank::peers) << "OSPF";
  EXPECT_EQ(ExceptionPath::rank_of(v4), Rank::anybody);
  EXPECT_EQ(ExceptionPath::rank_of(v6), Rank::anybody);
  EXPECT_EQ(ExceptionPath::rank_of(tagged), Rank::anybody);
  EXPECT_EQ(ExceptionPath::rank_of(with(v4, v4_protocol, 1)), Rank::anybody) << "ping";
  EXPECT_EQ(ExceptionPath::rank_of(with(with(v6, v6_next, 58), v6_payload, 128)), Rank::anybody) << "ping";
  for (size_t bytes = 0; bytes < v4.size(); ++bytes) {
    (void)ExceptionPath::rank_of(core::ByteView(v4).first(bytes));  // a frame may end anywhere
    (void)ExceptionPath::rank_of(core::ByteView(v6).first(bytes));
  }
}

}  // namespace
}  // namespace viaduct::dpdk
