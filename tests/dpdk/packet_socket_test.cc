// Frames over a cable to a packet socket of the kernel's at its other end.
#include "dpdk/packet_socket.h"

#include <gtest/gtest.h>

#include "dpdk/fixture.h"
#include "dpdk/interface.h"
#include "dpdk/kernel_sockets.h"
#include "dpdk/wire.h"

namespace viaduct::dpdk {
namespace {

using dataplane::Packet;
using test::Bytes;
using test::capture_at;
using test::isolated_in_network;
using test::receive;

constexpr net::Mac near_mac{{2, 0, 0, 0, 0, 1}}, far_mac{{2, 0, 0, 0, 0, 2}};

test::PacketBuilder from_near(const std::string& text) {
  return test::packet().ethernet(near_mac, far_mac).between("10.9.0.1:9", "10.9.0.2:9").payload(text);
}

test::PacketBuilder from_far(const std::string& text) {
  return test::packet().ethernet(far_mac, near_mac).between("10.9.0.2:9", "10.9.0.1:9").payload(text);
}

class Cable {
 public:
  Cable() {
    peer.connect("near0", "far0");
    test::run("ip link set near0 address " + to_string(near_mac));
    peer("ip link set far0 address " + to_string(far_mac));
    config::Config config = test::small_config(1);
    config.ports = {test::port_of("near", config::DeviceKind::af_packet, "near0")};
    auto opened = Wire::open(config, 256);
    if (!opened) throw std::runtime_error(opened.error());
    wire = std::move(*opened);
  }

  // How many of them are taken; the rest is let go.
  size_t send(const std::vector<Bytes>& frames) {
    std::vector<Packet> packets(frames.size());
    if (io().allocate(packets) != packets.size()) throw std::runtime_error("no buffers");
    for (size_t i = 0; i < frames.size(); ++i) {
      std::copy(frames[i].begin(), frames[i].end(), packets[i].data);
      packets[i].length = static_cast<uint32_t>(frames[i].size());
    }
    const size_t taken = io().transmit(packets);
    io().release(std::span(packets).subspan(taken));
    return taken;
  }
  Wire::Io& io() { return wire->io(0); }
  PortStatistics statistics() const { return wire->port_statistics(0); }

  test::PeerNetwork peer;
  std::unique_ptr<Wire> wire;
};

class PacketSockets : public testing::Test {
 protected:
  // In a process, and a network, of its own.
  void on_cable(const std::function<void(Cable&)>& body) {
    isolated_in_network([&] {
      Cable cable;
      body(cable);
    });
  }
};

TEST_F(PacketSockets, WhatLeavesArrivesInOrderAsItWas) {
  on_cable([](Cable& cable) {
    const int far = capture_at(cable.peer, "far0");
    std::vector<Bytes> frames;
    for (size_t i = 0; i < dataplane::burst_max; ++i) frames.push_back(from_near(std::string(1 + i * 22, 'x')).frame());
    EXPECT_EQ(cable.send(frames), frames.size());
    uint64_t bytes = 0;
    for (const Bytes& frame : frames) {
      const std::string arrived = receive(far);
      ASSERT_EQ(Bytes(arrived.begin(), arrived.end()), frame);
      bytes += frame.size();
    }
    EXPECT_EQ(cable.statistics().tx_packets, frames.size());
    EXPECT_EQ(cable.statistics().tx_bytes, bytes);
  });
}

TEST_F(PacketSockets, AFrameThatIsTooLongForTheLinkHoldsUpNobody) {
  on_cable([](Cable& cable) {
    const int far = capture_at(cable.peer, "far0");
    const std::string shorter(1400, 'a'), longer(1600, 'b'), last(10, 'c');
    EXPECT_EQ(cable.send({from_near(shorter).frame(), from_near(longer).frame(), from_near(longer).frame(),
                          from_near(last).frame()}),
              4u);
    EXPECT_NE(receive(far).find(shorter), std::string::npos);
    EXPECT_NE(receive(far).find(last), std::string::npos);
    EXPECT_EQ(cable.statistics().tx_errors, 2u);
    EXPECT_EQ(cable.statistics().tx_packets, 2u);
  });
}

// The kernel says so of a frame that a driver drops (veth does since Linux 6.7).
TEST_F(PacketSockets, AFrameThatTheDriverDropsHoldsUpNobody) {
  on_cable([](Cable& cable) {
    test::run("ip link set near0 mtu 9000");
    const int far = capture_at(cable.peer, "far0");
    const std::string first(100, 'a'), longer(3000, 'b'), last(10, 'c');
    EXPECT_EQ(cable.send({from_near(longer).frame(), from_near(first).frame(), from_near(longer).frame(),
                          from_near(last).frame()}),
              4u);
    EXPECT_NE(receive(far).find(first), std::string::npos);
    EXPECT_NE(receive(far).find(last), std::string::npos);
    EXPECT_EQ(cable.statistics().tx_errors + cable.statistics().tx_packets, 4u);
  });
}

TEST_F(PacketSockets, FramesThatFindNoBufferWaitInTheRing) {
  on_cable([](Cable& cable) {
    const int far = capture_at(cable.peer, "far0");
    std::vector<Packet> all(1 << 16);
    size_t taken = 0;
    for (std::array<Packet, 1> one; taken < all.size() && cable.io().allocate(one) == 1; ++taken) all[taken] = one[0];
    ASSERT_LT(taken, all.size());
    const Bytes frame = from_far("waits").frame();
    for (int i = 0; i < 5; ++i) ASSERT_EQ(send(far, frame.data(), frame.size(), 0), static_cast<ssize_t>(frame.size()));
    std::array<Packet, 64> packets;
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(cable.io().receive(packets), 0u);
    EXPECT_EQ(cable.statistics().rx_no_buffer, 1u);
    for (size_t i = 0; i < taken; i += 64)
      cable.io().release(std::span(all).subspan(i, std::min<size_t>(64, taken - i)));
    EXPECT_EQ(cable.io().receive(packets), 5u);
    EXPECT_EQ(Bytes(packets[4].data, packets[4].data + packets[4].length), frame);
    cable.io().release(std::span(packets).first(5));
    EXPECT_EQ(cable.statistics().rx_missed, 0u);
  });
}

TEST_F(PacketSockets, WithoutALinkNothingIsTaken) {
  on_cable([](Cable& cable) {
    const std::vector<Bytes> frames(3, from_near("x").frame());
    cable.peer("ip link set far0 down");
    EXPECT_TRUE(test::until([&] { return !cable.statistics().link_up; }));
    EXPECT_EQ(cable.send(frames), 0u) << "no carrier";
    cable.peer("ip link set far0 up");
    test::run("ip link set near0 down");
    EXPECT_EQ(cable.send(frames), 0u) << "down";
    test::run("ip link set near0 up");
    EXPECT_TRUE(test::until([&] { return cable.statistics().link_up; }));
    EXPECT_TRUE(test::until([&] { return cable.send(frames) == 3; }));
    EXPECT_EQ(cable.statistics().tx_errors, 0u);
    EXPECT_EQ(cable.statistics().tx_packets, 3u);
  });
}

// More than the ring has places for, in turns, each with its own content: no place is read twice or left out.
TEST_F(PacketSockets, FramesComeInOrderAroundTheRing) {
  on_cable([](Cable& cable) {
    const int far = capture_at(cable.peer, "far0");
    std::array<Packet, 64> packets;
    size_t came = 0;
    for (size_t turn = 0; turn < 30; ++turn) {
      for (size_t i = 0; i < 100; ++i) {
        const Bytes frame = from_far(std::to_string(turn * 100 + i)).frame();
        ASSERT_EQ(send(far, frame.data(), frame.size(), 0), static_cast<ssize_t>(frame.size()));
      }
      EXPECT_TRUE(test::until([&] {
        const size_t count = cable.io().receive(packets);
        for (size_t i = 0; i < count; ++i) {
          const Bytes expected = from_far(std::to_string(came++)).frame();
          EXPECT_EQ(Bytes(packets[i].data, packets[i].data + packets[i].length), expected);
        }
        cable.io().release(std::span(packets).first(count));
        return came == (turn + 1) * 100;
      }));
    }
    EXPECT_EQ(cable.statistics().rx_packets, 3000u);
    EXPECT_EQ(cable.statistics().rx_missed, 0u);
  });
}

// The kernel takes it out; workers need it where it was (docs/operations.md, Ports).
TEST_F(PacketSockets, TheTagOfAVlanIsBackInTheFrame) {
  on_cable([](Cable& cable) {
    const int far = capture_at(cable.peer, "far0");
    for (const Bytes& frame :
         {from_far("one tag").vlan(0x2005).frame(), from_far("another kind").vlan(7, 0x88a8).frame(),
          from_far("two").vlan(9, 0x88a8).vlan(0x0064).frame(), from_far("none").frame()}) {
      ASSERT_EQ(send(far, frame.data(), frame.size(), 0), static_cast<ssize_t>(frame.size()));
      std::array<Packet, 64> packets;
      size_t count = 0;
      ASSERT_TRUE(test::until([&] { return (count = cable.io().receive(packets)) != 0; }));
      EXPECT_EQ(Bytes(packets[0].data, packets[0].data + packets[0].length), frame);
      cable.io().release(std::span(packets).first(count));
    }
  });
}

}  // namespace
}  // namespace viaduct::dpdk
