// A worker's rings of a memif, against a client who writes into their memory as he likes.
#include "dpdk/memif_queue.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <cstring>

#include "dpdk/eal.h"
#include "dpdk/fixture.h"
#include "dpdk/memif_peers.h"
#include "dpdk/mempool.h"

namespace viaduct::dpdk {
namespace {

using namespace std::chrono_literals;
using test::end_of;
using test::isolated;
using test::Liar;
using test::settings_of;
using test::until;

void give_back(std::span<const BareFrame> frames) {
  for (const BareFrame& frame : frames) rte_pktmbuf_free(frame.mbuf);
}

// Connected.
class Pair {
 public:
  explicit Pair(uint8_t log2_slots = 4) : path_(folder_ / "wire.sock") {
    const config::Config config = test::small_config(1);
    auto eal = Eal::start(config);
    if (!eal) throw std::runtime_error(eal.error());
    eal_ = std::move(*eal);
    auto pools = Pools::create({{2048, -1, 0}}, 1, config.runtime.memory_mb);
    if (!pools) throw std::runtime_error(pools.error());
    pools_ = std::move(*pools);
    end = end_of(settings_of(path_, true));
    queue = std::make_unique<MemifQueue>(*end, 0, pools_->frames(0));
    client = std::make_unique<Liar>(path_, log2_slots);
    if (client->connect_well() != "connected") throw std::runtime_error("not connected");
    if (!until([&] { return end->connected(); })) throw std::runtime_error("no link");
    receive();
  }
  ~Pair() { EXPECT_EQ(pools_->free_buffers(), pools_->buffers()); }

  // The lengths of what comes.
  std::vector<size_t> receive() {
    BareFrame frames[dataplane::burst_max];
    const uint16_t count = queue->receive(frames);
    std::vector<size_t> lengths;
    for (uint16_t i = 0; i < count; ++i) lengths.push_back(frames[i].bytes);
    give_back(std::span(frames).first(count));
    return lengths;
  }

  static constexpr size_t to_server = 0, to_client = 1;  // rings
  std::unique_ptr<MemifEnd> end;
  std::unique_ptr<MemifQueue> queue;
  std::unique_ptr<Liar> client;

 private:
  const test::Folder folder_;
  const std::string path_;
  std::unique_ptr<Eal> eal_;
  std::unique_ptr<Pools> pools_;
};

TEST(MemifQueue, DescriptorsThatLieAreCountedAndNothingElse) {
  isolated([] {
    Pair pair;
    const uint32_t all = static_cast<uint32_t>(pair.client->link().regions()[0].bytes());
    const auto descriptor = [&](size_t slot) -> memif::Descriptor& {
      return pair.client->descriptor(Pair::to_server, slot);
    };
    const memif::Descriptor well{.flags = 0, .region = 0, .length = 100, .offset = all - 2048, .metadata = 0};
    const auto with = [&](auto&& change) {
      memif::Descriptor changed = well;
      change(changed);
      return changed;
    };
    const memif::Descriptor told[] = {
        well,
        with([](auto& d) { d.region = 1; }),
        with([](auto& d) { d.length = 0xffffffff; }),
        with([](auto& d) { d.offset = 0xffffffff; }),
        with([&](auto& d) { d.offset = all - 99; }),
        with([](auto& d) { d.length = 4096, d.offset = 0; }),  // there, but more than a buffer
        with([](auto& d) { d.length = 0; }),
        well,
    };
    for (size_t i = 0; i < std::size(told); ++i) descriptor(i) = told[i];
    pair.client->shared_ring(Pair::to_server).head = std::size(told);
    EXPECT_EQ(pair.receive(), (std::vector<size_t>{100, 0, 100}));
    EXPECT_EQ(pair.queue->statistics().rx_errors, 5u);
    EXPECT_EQ(pair.queue->statistics().rx_packets, 3u);
    EXPECT_EQ(pair.client->shared_ring(Pair::to_server).tail, std::size(told));
  });
}

TEST(MemifQueue, FramesInPiecesWaitUntilTheyAreWhole) {
  isolated([] {
    Pair pair;
    memif::Ring& ring = pair.client->shared_ring(Pair::to_server);
    const auto piece = [&](size_t slot, uint32_t length, bool more) {
      memif::Descriptor& descriptor = pair.client->descriptor(Pair::to_server, slot % 16);
      descriptor.length = length;
      descriptor.flags = more ? memif::Descriptor::more : 0;
    };
    piece(0, 60, false), piece(1, 700, true), piece(2, 700, true);
    ring.head = 3;
    EXPECT_EQ(pair.receive(), (std::vector<size_t>{60}));
    EXPECT_EQ(pair.receive(), std::vector<size_t>());
    piece(3, 100, false), piece(4, 1500, true), piece(5, 1500, false), piece(6, 61, false);
    ring.head = 7;
    EXPECT_EQ(pair.receive(), (std::vector<size_t>{1500, 61})) << "3,000 octets fit into no buffer";
    EXPECT_EQ(pair.queue->statistics().rx_errors, 1u);
    for (size_t i = 7; i < 23; ++i) piece(i, 10, true);
    ring.head = 23;
    EXPECT_EQ(pair.receive(), std::vector<size_t>());
    EXPECT_EQ(pair.queue->statistics().rx_errors, 2u) << "a frame of all slots that goes on never ends";
    EXPECT_EQ(ring.tail, 23);
    piece(23, 62, false);
    ring.head = 24;
    EXPECT_EQ(pair.receive(), (std::vector<size_t>{62}));
  });
}

TEST(MemifQueue, AFrameOfMorePiecesThanABurstIsWaitedFor) {
  isolated([] {
    Pair pair(8);
    memif::Ring& ring = pair.client->shared_ring(Pair::to_server);
    for (size_t i = 0; i < 80; ++i) {
      memif::Descriptor& descriptor = pair.client->descriptor(Pair::to_server, i);
      descriptor.length = 10;
      descriptor.flags = i < 64 ? memif::Descriptor::more : 0;
    }
    ring.head = 64;
    EXPECT_EQ(pair.receive(), std::vector<size_t>());
    ring.head = 80;
    EXPECT_EQ(pair.receive(), std::vector<size_t>()) << "it looks, and finds more the next time";
    std::vector<size_t> whole(16, 10);
    whole[0] = 650;
    EXPECT_EQ(pair.receive(), whole);
  });
}

// Clients that come and go, with one pair and with two, while two workers receive, write to places and send.
TEST(MemifQueue, LinksMayGoAtAnyMoment) {
  isolated([] {
    const test::Folder folder;
    const std::string path = folder / "wire.sock";
    const config::Config config = test::small_config(1);
    const auto eal = Eal::start(config);
    ASSERT_TRUE(eal) << eal.error();
    const auto pools = Pools::create({{2048, -1, 0}}, 2, config.runtime.memory_mb);
    ASSERT_TRUE(pools) << pools.error();
    {
      const auto server = end_of(settings_of(path, true, 2, 2));
      std::atomic<bool> stop{false};
      std::atomic<uint64_t> sent{0}, received{0};
      const auto work = [&](size_t worker) {
        MemifQueue queue(*server, worker, (*pools)->frames(0));
        const std::vector<uint8_t> text(1500, 7);
        while (!stop.load()) {
          BareFrame frames_in[dataplane::burst_max];
          const uint16_t count = queue.receive(frames_in);
          give_back(std::span(frames_in).first(count));
          received += count;
          std::array<dataplane::Berth, 16> places;
          std::vector<OutgoingFrame> frames;
          for (size_t i = 0, end = queue.berths(0, places); i < end; ++i) {
            std::memset(places[i].data, 1, 1400);
            frames.push_back({places[i].data, 1400});
          }
          for (int i = 0; i < 4; ++i) frames.push_back({text.data(), 1500});
          sent += queue.transmit(frames);
        }
      };
      std::thread one([&] { work(0); }), other([&] { work(1); });
      for (uint16_t round = 0; round < 30; ++round) {
        const auto client = end_of(settings_of(path, false, static_cast<uint16_t>(1 + round % 2)));
        EXPECT_TRUE(client->wait(5000ms)) << client->trouble();
        MemifQueue queue(*client, 0, (*pools)->frames(0));
        for (int turn = 0; turn < 50; ++turn) {
          BareFrame frames_in[dataplane::burst_max];
          give_back(std::span(frames_in).first(queue.receive(frames_in)));
          const uint8_t text[100] = {};
          const OutgoingFrame frames[] = {{text, 100}, {text, 60}};
          queue.transmit(frames);
          std::this_thread::yield();
        }
      }
      stop = true;
      one.join(), other.join();
      EXPECT_GT(sent.load(), 0u);
      EXPECT_GT(received.load(), 0u);
    }
    EXPECT_EQ((*pools)->free_buffers(), (*pools)->buffers());
  });
}

TEST(MemifQueue, ACountThatIsNoneIsNotFollowed) {
  isolated([] {
    Pair pair;
    memif::Ring& ring = pair.client->shared_ring(Pair::to_server);
    for (const int head : {17, 1000, 40000, 65535}) {
      ring.head = static_cast<uint16_t>(head);
      EXPECT_EQ(pair.receive(), std::vector<size_t>()) << head;
    }
    ring.head = 16;
    EXPECT_EQ(pair.receive().size(), 16u);
  });
}

TEST(MemifQueue, WhatFindsNoRoomStaysAndASleeperIsWoken) {
  isolated([] {
    Pair pair;
    memif::Ring& ring = pair.client->shared_ring(Pair::to_client);
    const std::vector<uint8_t> text(3000, 'x');
    std::vector<OutgoingFrame> frames(20, OutgoingFrame{text.data(), 500});
    EXPECT_EQ(pair.queue->transmit(frames), 0u) << "no buffers are lent yet";
    ring.head = 16;
    for (size_t i = 0; i < 16; ++i) pair.client->descriptor(Pair::to_client, i).length = 2048;
    frames[1].bytes = 3000;  // in two pieces
    EXPECT_EQ(pair.queue->transmit(frames), 15u);
    EXPECT_EQ(ring.tail, 16);
    EXPECT_EQ(pair.client->descriptor(Pair::to_client, 1).flags, memif::Descriptor::more);
    EXPECT_EQ(pair.client->descriptor(Pair::to_client, 1).length, 2048u);
    EXPECT_EQ(pair.client->descriptor(Pair::to_client, 2).flags, 0);
    EXPECT_EQ(pair.client->descriptor(Pair::to_client, 2).length, 952u);
    EXPECT_EQ(pair.queue->transmit(frames), 0u);

    pollfd bell{pair.client->bell(Pair::to_client), POLLIN, 0};
    EXPECT_EQ(poll(&bell, 1, 0), 0) << "it polls";
    ring.flags = 0;
    ring.head = 17;
    EXPECT_EQ(pair.queue->transmit(std::span(frames).first(1)), 1u);
    EXPECT_EQ(poll(&bell, 1, 0), 1);

    ring.head = 18;
    pair.client->descriptor(Pair::to_client, 1) = {.flags = 0, .region = 9, .length = 2048, .offset = 0, .metadata = 0};
    EXPECT_EQ(pair.queue->transmit(std::span(frames).first(1)), 0u) << "the buffer lent is none";
    EXPECT_EQ(pair.queue->statistics().tx_packets, 16u);
  });
}

TEST(MemifQueue, AFrameThatWantsMoreSlotsThanAreKnownOfLooksForMore) {
  isolated([] {
    Pair pair;
    memif::Ring& ring = pair.client->shared_ring(Pair::to_client);
    for (size_t i = 0; i < 16; ++i) pair.client->descriptor(Pair::to_client, i).length = 256;
    const std::vector<uint8_t> text(1000, 'x');
    const OutgoingFrame frame[] = {{text.data(), 1000}};
    ring.head = 5;
    EXPECT_EQ(pair.queue->transmit(frame), 1u);
    EXPECT_EQ(ring.tail, 4);
    ring.head = 8;
    EXPECT_EQ(pair.queue->transmit(frame), 1u) << "one slot is known of, three have come";
    EXPECT_EQ(ring.tail, 8);
    ring.head = 11;
    EXPECT_EQ(pair.queue->transmit(frame), 0u);
    EXPECT_EQ(ring.tail, 8);
  });
}

TEST(MemifQueue, PlacesAreThoseOfTheFramesToCome) {
  isolated([] {
    Pair pair;
    pair.client->shared_ring(Pair::to_client).head = 10;
    std::array<dataplane::Berth, 4> places;
    EXPECT_EQ(pair.queue->berths(0, places), 4u);
    std::strcpy(reinterpret_cast<char*>(places[0].data), "first");
    std::strcpy(reinterpret_cast<char*>(places[1].data), "second");
    std::array<dataplane::Berth, 4> later;
    EXPECT_EQ(pair.queue->berths(8, later), 2u);
    EXPECT_EQ(pair.queue->berths(10, later), 0u);
    const std::array<OutgoingFrame, 3> frames = {OutgoingFrame{places[0].data, 6}, OutgoingFrame{places[1].data, 7},
                                                 OutgoingFrame{reinterpret_cast<const uint8_t*>("third"), 6}};
    EXPECT_EQ(pair.queue->transmit(frames), 3u);
    const uint8_t* const base = pair.client->link().regions()[0].base();
    const char* const texts[] = {"first", "second", "third"};
    for (size_t i = 0; i < 3; ++i) {
      const memif::Descriptor& descriptor = pair.client->descriptor(Pair::to_client, i);
      EXPECT_STREQ(reinterpret_cast<const char*>(base + descriptor.offset), texts[i]);
      EXPECT_EQ(descriptor.length, std::strlen(texts[i]) + 1);
    }
    EXPECT_EQ(pair.queue->berths(0, places), 4u);
    std::strcpy(reinterpret_cast<char*>(places[0].data), "fourth");
    EXPECT_STREQ(reinterpret_cast<const char*>(base + pair.client->descriptor(Pair::to_client, 3).offset), "fourth");
  });
}

}  // namespace
}  // namespace viaduct::dpdk
