// PacketIo over mbufs: what goes in comes out, however far its front has moved, and no buffer is lost on the way.
#include <gtest/gtest.h>
#include <rte_ethdev.h>
#include <rte_mempool.h>

#include <algorithm>
#include <cstring>

#include "dpdk/bare_buffer.h"
#include "dpdk/dpdk_io.h"
#include "dpdk/eal.h"
#include "dpdk/fixture.h"
#include "dpdk/memif_peers.h"
#include "dpdk/port.h"
#include "support/until.h"

namespace viaduct::dpdk {
namespace {

using config::DeviceKind;
using dataplane::Packet;
using test::Bytes;
using test::isolated;
using test::port_of;

Bytes pattern(size_t bytes, uint8_t seed) {
  Bytes frame(bytes);
  for (size_t i = 0; i < bytes; ++i) frame[i] = static_cast<uint8_t>(seed + i * 7);
  return frame;
}

// Capture file in, capture file out, and two memif servers with buffers of different sizes, which take nothing until
// somebody connects.
class Bench {
 public:
  explicit Bench(const std::vector<Bytes>& frames) {
    test::write_capture(folder_ / "in.pcap", frames);
    config_ = test::small_config();
    config_.ports.push_back(port_of("file", DeviceKind::pcap, folder_ / "in.pcap", folder_ / "out.pcap"));
    config_.ports.push_back(port_of("full", DeviceKind::memif, folder_ / "full.sock"));
    config_.ports.back().device.memif_server = true;
    config_.ports.push_back(port_of("large", DeviceKind::memif, folder_ / "large.sock"));
    config_.ports.back().device.memif_server = true;
    auto eal = Eal::start(config_);
    if (!eal) throw std::runtime_error(eal.error());
    eal_ = std::move(*eal);
    std::vector<BufferNeed> needs;
    for (size_t i = 0; i < config_.ports.size(); ++i) {
      auto port = Port::probe(config_.ports[i], i, 1);
      if (!port) throw std::runtime_error(port.error());
      ports_.push_back(std::move(*port));
      needs.push_back(ports_.back()->need());
    }
    needs.back().frame_bytes = 4096;
    auto pools = Pools::create(needs, 1, config_.runtime.memory_mb);
    if (!pools) throw std::runtime_error(pools.error());
    pools_ = std::move(*pools);
    for (size_t i = 0; i < ports_.size(); ++i) {
      if (auto status = ports_[i]->set_up(pools_->frames(i)); !status) throw std::runtime_error(status.error());
    }
    io_ = make_io(pools_->headers());
  }
  ~Bench() {
    EXPECT_EQ(pools_->free_buffers(), pools_->buffers());
    for (size_t i = 0; i < ports_.size(); ++i) {
      EXPECT_EQ(rte_mempool_avail_count(pools_->frames(i)), pools_->frames(i)->size) << "of port " << i;
    }
    EXPECT_EQ(rte_mempool_avail_count(pools_->headers()), pools_->headers()->size);
    ports_.clear();
  }

  std::unique_ptr<DpdkIo> make_io(rte_mempool* headers) {
    return std::make_unique<DpdkIo>(std::vector{ports_[0]->queue_of(0), ports_[1]->queue_of(0)}, headers);
  }
  std::vector<Packet> receive() {
    std::vector<Packet> packets(dataplane::burst_max);
    packets.resize(io_->receive(packets));
    return packets;
  }
  std::vector<Bytes> written() { return test::read_capture(folder_ / "out.pcap"); }

  test::Folder folder_;
  config::Config config_;
  std::unique_ptr<Eal> eal_;
  std::unique_ptr<Pools> pools_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::unique_ptr<DpdkIo> io_;
};

// Puts `bytes` new bytes in front, as the rewriter does.
void grow(Packet& packet, size_t bytes, uint8_t seed) {
  const Bytes front = pattern(bytes, seed);
  packet.data -= bytes;
  packet.length += static_cast<uint32_t>(bytes);
  std::copy(front.begin(), front.end(), packet.data);
}

TEST(Io, FramesLeaveAsTheyCame) {
  isolated([] {
    const std::vector<Bytes> frames = {pattern(60, 1), pattern(1514, 2), pattern(700, 3)};
    Bench bench(frames);
    std::vector<Packet> packets = bench.receive();
    ASSERT_EQ(packets.size(), 3u);
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(Bytes(packets[i].data, packets[i].data + packets[i].length), frames[i]);
      EXPECT_EQ(packets[i].port, 0);
      EXPECT_EQ(packets[i].udp_checksum, dataplane::ChecksumState::unknown);
    }
    EXPECT_EQ(bench.io_->transmit(packets), 3u);
    EXPECT_EQ(bench.written(), frames);
  });
}

// 128 bytes are the mbuf's own headroom; beyond them the frame reaches into the private area.
TEST(Io, AFrameMayGrowByAllOfItsHeadroomWithoutACopy) {
  isolated([] {
    const std::vector<size_t> growths = {0, 1, 60, 127, 128, 129, 200, 300, 500, 128 + private_headroom};
    std::vector<Bytes> frames;
    for (size_t i = 0; i < growths.size(); ++i) frames.push_back(pattern(400 + i, static_cast<uint8_t>(i)));
    Bench bench(frames);
    std::vector<Packet> packets = bench.receive();
    ASSERT_EQ(packets.size(), growths.size());
    for (size_t i = 0; i < packets.size(); ++i) {
      ASSERT_EQ(packets[i].headroom, 128 + private_headroom);
      // All of the headroom is ours to write, not only what the message takes in the end.
      std::memset(packets[i].data - packets[i].headroom, 0xee, packets[i].headroom);
      grow(packets[i], growths[i], static_cast<uint8_t>(100 + i));
    }
    EXPECT_EQ(bench.io_->transmit(packets), packets.size());
    const std::vector<Bytes> written = bench.written();
    ASSERT_EQ(written.size(), frames.size());
    for (size_t i = 0; i < frames.size(); ++i) {
      Bytes expected = pattern(growths[i], static_cast<uint8_t>(100 + i));
      expected.insert(expected.end(), frames[i].begin(), frames[i].end());
      EXPECT_EQ(written[i], expected) << "grown by " << growths[i];
    }
  });
}

TEST(Io, GrowthAndTailroomTogetherFillTheWholeBuffer) {
  isolated([] {
    Bench bench({pattern(100, 1)});
    std::vector<Packet> packets = bench.receive();
    ASSERT_EQ(packets.size(), 1u);
    Packet& packet = packets[0];
    const size_t whole = packet.headroom + packet.length + packet.tailroom;
    packet.data -= packet.headroom;
    packet.length = static_cast<uint32_t>(whole);
    const Bytes content = pattern(whole, 9);
    std::memcpy(packet.data, content.data(), whole);
    EXPECT_EQ(bench.io_->transmit(packets), 1u);
    EXPECT_EQ(bench.written(), std::vector<Bytes>{content});
  });
}

TEST(Io, WhatAPortDoesNotTakeIsGivenBackAndCanBeReleased) {
  isolated([] {
    std::vector<Bytes> frames;
    for (uint8_t i = 0; i < 20; ++i) frames.push_back(pattern(200, i));
    Bench bench(frames);
    std::vector<Packet> packets = bench.receive();
    ASSERT_EQ(packets.size(), 20u);
    for (size_t i = 0; i < packets.size(); ++i) {
      grow(packets[i], i % 3 == 0 ? 250 : 10, 0);
      packets[i].note = static_cast<uint16_t>(i);
      packets[i].port = i % 2 == 0 ? 0 : 1;  // port 1 takes nothing
    }
    const size_t taken = bench.io_->transmit(packets);
    EXPECT_EQ(taken, 10u);
    for (size_t i = 0; i < 10; ++i) {
      EXPECT_EQ(packets[i].note, 2 * i);
      EXPECT_EQ(packets[10 + i].note, 2 * i + 1);
      EXPECT_EQ(packets[10 + i].port, 1);
    }
    // A second attempt finds packets that are wrapped already.
    EXPECT_EQ(bench.io_->transmit(std::span(packets).subspan(10)), 0u);
    for (size_t i = 10; i < 15; ++i) packets[i].port = 0;
    EXPECT_EQ(bench.io_->transmit(std::span(packets).subspan(10)), 5u);
    bench.io_->release(std::span(packets).subspan(15));
    EXPECT_EQ(bench.written().size(), 15u);
  });
}

TEST(Io, WithoutAFreeHeaderAGrownFrameStaysAndNothingIsLost) {
  isolated([] {
    Bench bench({pattern(200, 1), pattern(200, 2), pattern(200, 3), pattern(200, 4)});
    rte_mempool* three = rte_pktmbuf_pool_create("three", 3, 0, 0, 0, SOCKET_ID_ANY);
    ASSERT_NE(three, nullptr);
    const auto io = bench.make_io(three);
    std::vector<Packet> packets = bench.receive();
    ASSERT_EQ(packets.size(), 4u);
    for (Packet& packet : packets) grow(packet, 300, 0);
    EXPECT_EQ(io->transmit(packets), 3u);  // and gone, with their headers
    EXPECT_EQ(rte_mempool_avail_count(three), 3u);
    EXPECT_EQ(io->transmit(std::span(packets).subspan(3)), 1u);
    EXPECT_EQ(bench.written().size(), 4u);
    rte_mempool_free(three);
  });
}

TEST(Io, AFrameInPiecesIsJoinedOrCounted) {
  isolated([] {
    Bench bench({pattern(2000, 1), pattern(5000, 2), pattern(100, 3)});  // a buffer holds 2,048
    std::vector<Packet> packets;
    for (int i = 0; i < 3; ++i) {
      for (const Packet& packet : bench.receive()) packets.push_back(packet);
    }
    ASSERT_EQ(packets.size(), 2u);
    EXPECT_EQ(packets[0].length, 2000u);
    EXPECT_EQ(packets[1].length, 100u);
    EXPECT_EQ(bench.io_->oversized(0), 1u);
    EXPECT_EQ(bench.io_->oversized(1), 0u);
    bench.io_->punt(packets);
  });
}

// What a port has copied in is an mbuf of its own once it leaves by a driver, however far it has grown.
TEST(Io, BareBuffersLeaveByDriversAsMbufs) {
  isolated([] {
    Bench bench({});
    test::Liar client(bench.folder_ / "full.sock");
    ASSERT_EQ(client.connect_well(), "connected");
    std::vector<Packet> packets;
    const std::vector<size_t> growths = {0, 127, 128, 129, 300, 128 + private_headroom};
    MemifRing& ring = *client.link().outgoing[0];
    for (int round = 0; round < 5; ++round) {  // the same buffers again, as their last lives have left them
      std::vector<Bytes> expected;
      ASSERT_GE(ring.available(growths.size() + 2), growths.size() + 2);
      for (uint16_t i = 0; i < growths.size() + 2; ++i) {
        const Bytes frame = pattern(400u + i, static_cast<uint8_t>(i + round));
        std::copy(frame.begin(), frame.end(), ring.piece(i).data);
        ring.fill(i, static_cast<uint32_t>(frame.size()), false);
        if (i >= growths.size()) continue;
        expected.push_back(pattern(growths[i], static_cast<uint8_t>(100 + i)));
        expected.back().insert(expected.back().end(), frame.begin(), frame.end());
      }
      ring.pass(static_cast<uint16_t>(growths.size() + 2));
      ASSERT_TRUE(test::until([&] { return !(packets = bench.receive()).empty(); }));
      ASSERT_EQ(packets.size(), growths.size() + 2);
      for (size_t i = 0; i < packets.size(); ++i) {
        EXPECT_EQ(packets[i].port, 1);
        ASSERT_EQ(packets[i].headroom, 128 + private_headroom);
        EXPECT_GE(packets[i].tailroom, 1000);
        packets[i].port = 0;
      }
      for (size_t i = 0; i < growths.size(); ++i) grow(packets[i], growths[i], static_cast<uint8_t>(100 + i));
      EXPECT_EQ(bench.io_->transmit(std::span(packets).first(growths.size())), growths.size());
      bench.io_->release(std::span(packets).subspan(growths.size(), 1));
      bench.io_->punt(std::span(packets).subspan(growths.size() + 1));
      std::vector<Bytes> written = bench.written();
      ASSERT_EQ(written.size(), growths.size() * static_cast<size_t>(round + 1));
      written.erase(written.begin(), written.end() - static_cast<std::ptrdiff_t>(growths.size()));
      EXPECT_EQ(written, expected);
    }
  });
}

// A bare buffer does not say where it is from: there is one pool of them, and what comes of another one is none.
TEST(Io, BuffersGoBackToThePoolTheyAreFrom) {
  isolated([] {
    Bench bench({});
    ASSERT_NE(bench.pools_->frames(1), bench.pools_->frames(2));
    DpdkIo io(std::vector{bench.ports_[1]->queue_of(0), bench.ports_[2]->queue_of(0)}, bench.pools_->headers());
    test::Liar one(bench.folder_ / "full.sock"), other(bench.folder_ / "large.sock");
    ASSERT_EQ(one.connect_well(), "connected");
    ASSERT_EQ(other.connect_well(), "connected");
    for (test::Liar* client : {&one, &other}) {
      MemifRing& ring = *client->link().outgoing[0];
      ASSERT_GE(ring.available(4), 4);
      for (uint16_t i = 0; i < 4; ++i) {
        std::memset(ring.piece(i).data, 7, 500);
        ring.fill(i, 500, false);
      }
      ring.pass(4);
      client->shared_ring(1).head = 8;  // lent out to be filled
    }
    std::vector<Packet> packets;
    std::array<Packet, dataplane::burst_max> burst;
    ASSERT_TRUE(test::until([&] {
      const size_t count = io.receive(burst);
      packets.insert(packets.end(), burst.begin(), burst.begin() + static_cast<std::ptrdiff_t>(count));
      return packets.size() == 8;
    }));
    for (Packet& packet : packets) {
      EXPECT_EQ(Bytes(packet.data, packet.data + packet.length), Bytes(500, 7));
      EXPECT_EQ(is_bare(packet.handle), packet.port == 0);
      EXPECT_EQ(mbuf_of(packet.handle)->pool, bench.pools_->frames(1u + packet.port));
      packet.port ^= 1;
    }
    EXPECT_EQ(io.transmit(std::span(packets).first(6)), 6u);
    io.release(std::span(packets).subspan(6));
  });
}

TEST(Io, ABareBufferFilledInIsTheMbufThatThePacketTellsOf) {
  isolated([] {
    Bench bench({});
    rte_mbuf* const mbuf = rte_pktmbuf_alloc(bench.pools_->frames(0));
    ASSERT_NE(mbuf, nullptr);
    EXPECT_EQ(buffer_behind(mbuf), mbuf->buf_addr);
    EXPECT_EQ(frame_behind(mbuf), rte_pktmbuf_mtod(mbuf, uint8_t*));
    mbuf->data_off = 17, mbuf->ol_flags = RTE_MBUF_F_TX_IP_CKSUM, mbuf->data_len = 1;
    Packet packet{.data = frame_behind(mbuf) + 4, .length = 300, .handle = bare_handle(mbuf)};
    EXPECT_TRUE(is_bare(packet.handle));
    EXPECT_EQ(filled_mbuf(packet), mbuf);
    EXPECT_FALSE(is_bare(packet.handle));
    EXPECT_EQ(rte_pktmbuf_mtod(mbuf, uint8_t*), packet.data);
    EXPECT_EQ(mbuf->data_len, 300);
    EXPECT_EQ(mbuf->pkt_len, 300u);
    EXPECT_EQ(mbuf->ol_flags, 0u);
    packet.length = 200;
    EXPECT_EQ(filled_mbuf(packet)->data_len, 300) << "its own from then on";
    bench.io_->release({&packet, 1});
  });
}

}  // namespace
}  // namespace viaduct::dpdk
