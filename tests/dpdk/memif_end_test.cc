// A memif's two ends in one process: links that come and go, and a client that says what is not so.
#include "dpdk/memif_end.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <atomic>
#include <cstring>
#include <ctime>
#include <functional>

#include "dpdk/eal.h"
#include "dpdk/fixture.h"
#include "dpdk/memif_queue.h"
#include "dpdk/mempool.h"

namespace viaduct::dpdk {
namespace {

using namespace std::chrono_literals;
using test::isolated;
using test::until;

MemifEnd::Settings settings_of(const std::string& path, bool server, uint16_t pairs = 1, size_t workers = 1) {
  return {.path = path, .server = server, .terms = {.name = "wire", .shape = {.pairs = pairs}}, .workers = workers};
}

std::unique_ptr<MemifEnd> end_of(const MemifEnd::Settings& settings) {
  auto end = MemifEnd::open(settings);
  if (!end) throw std::runtime_error(end.error());
  return std::move(*end);
}

// Takes note of the link, as a worker does by receiving.
class Watcher {
 public:
  explicit Watcher(MemifEnd& end) : end_(end) {}
  bool sees_link() {
    MemifLink* const link = end_.offered().load();
    end_.sight_of(0).held.store(link);
    return link != nullptr;
  }

 private:
  MemifEnd& end_;
};

TEST(MemifEnd, AClientConnectsAgainWhenTheServerHasStartedAnew) {
  const test::Folder folder;
  const std::string path = folder / "wire.sock";
  const auto client = end_of(settings_of(path, false));
  EXPECT_FALSE(client->wait(100ms));
  EXPECT_EQ(client->trouble(), "");
  for (int round = 0; round < 3; ++round) {
    auto server = end_of(settings_of(path, true));
    ASSERT_TRUE(client->wait(2000ms)) << client->trouble();
    ASSERT_TRUE(server->wait(2000ms));
    server.reset();
    ASSERT_TRUE(until([&] { return !client->connected(); }));
    EXPECT_EQ(client->trouble(), "the other end says \"the port is closed\"");
    EXPECT_FALSE(std::filesystem::exists(path));
  }
}

TEST(MemifEnd, AServerTakesTheNextClientAndOneAtATime) {
  const test::Folder folder;
  const std::string path = folder / "wire.sock";
  const auto server = end_of(settings_of(path, true));
  Watcher watcher(*server);
  auto first = end_of(settings_of(path, false));
  ASSERT_TRUE(first->wait(2000ms)) << first->trouble();
  ASSERT_TRUE(until([&] { return watcher.sees_link(); }));
  auto second = end_of(settings_of(path, false));
  EXPECT_FALSE(second->wait(200ms));
  EXPECT_EQ(second->trouble(), "the other end says \"already connected\"");
  first.reset();
  EXPECT_TRUE(second->wait(2000ms)) << second->trouble();
  EXPECT_TRUE(until([&] { return watcher.sees_link(); }));
}

TEST(MemifEnd, MemoryStaysUntilTheWorkerHasLetGo) {
  const test::Folder folder;
  const std::string path = folder / "wire.sock";
  const auto server = end_of(settings_of(path, true));
  auto client = end_of(settings_of(path, false));
  Watcher watcher(*server);
  ASSERT_TRUE(until([&] { return watcher.sees_link(); }));
  MemifLink* const link = server->offered().load();
  client.reset();
  ASSERT_TRUE(until([&] { return !server->connected(); }));
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(link->incoming[0]->available(1), 0) << "a worker that has not looked may still read";
  EXPECT_FALSE(watcher.sees_link());
}

TEST(MemifEnd, PairsAreAsManyAsBothEndsHave) {
  const test::Folder folder;
  for (const auto& [of_server, of_client, both] :
       {std::tuple{1, 3, 1}, std::tuple{3, 1, 1}, std::tuple{2, 3, 2}, std::tuple{4, 4, 4}}) {
    const std::string path = folder / "wire.sock";
    const auto server = end_of(settings_of(path, true, static_cast<uint16_t>(of_server)));
    const auto client = end_of(settings_of(path, false, static_cast<uint16_t>(of_client)));
    ASSERT_TRUE(client->wait(2000ms)) << client->trouble();
    ASSERT_TRUE(server->wait(2000ms));
    for (const auto& end : {server.get(), client.get()}) {
      EXPECT_EQ(end->offered().load()->incoming.size(), static_cast<size_t>(both));
      EXPECT_EQ(end->offered().load()->outgoing.size(), static_cast<size_t>(both));
    }
  }
}

// A client of our own making, which says what it likes.
class Liar {
 public:
  explicit Liar(const std::string& path, uint8_t log2_slots = 4)
      : socket_(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    if (connect(socket_.fd(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
      throw std::runtime_error("nobody listens");
    }
    if (answer().type != memif::hello) throw std::runtime_error("no greeting");
    auto link = MemifLink::make({.log2_slots = log2_slots});
    if (!link) throw std::runtime_error(link.error());
    link_ = std::move(*link);
  }
  memif::Message answer() {
    memif::Message message{};
    if (recv(socket_.fd(), &message, sizeof(message), 0) <= 0) message.type = memif::none;
    return message;
  }
  // What is said to it, or the reason why nothing is any more.
  std::string say(const memif::Message& message, int file = -1, size_t size = sizeof(memif::Message)) {
    iovec piece{const_cast<memif::Message*>(&message), size};
    alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    if (file >= 0) {
      header.msg_control = space;
      header.msg_controllen = sizeof(space);
      cmsghdr* const control = CMSG_FIRSTHDR(&header);
      control->cmsg_level = SOL_SOCKET;
      control->cmsg_type = SCM_RIGHTS;
      control->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(control), &file, sizeof(file));
    }
    if (sendmsg(socket_.fd(), &header, MSG_NOSIGNAL) < 0) return "gone";
    const memif::Message heard = answer();
    switch (heard.type) {
      case memif::ack: return "ack";
      case memif::connected: return "connected";
      case memif::disconnect: return heard.disconnect.reason;
      default: return "gone";
    }
  }
  static memif::Message init() {
    memif::Message message{};
    message.type = memif::init;
    message.init.version = memif::version;
    return message;
  }
  memif::Message region() const {
    memif::Message message{};
    message.type = memif::add_region;
    message.add_region.size = link_->regions()[0].bytes();
    return message;
  }
  memif::Message ring(size_t number) const {
    memif::Message message{};
    message.type = memif::add_ring;
    message.add_ring = link_->places()[number].ring;
    return message;
  }
  int memory() const { return link_->regions()[0].fd(); }
  int bell(size_t number) const { return link_->places()[number].bell; }
  // All that an honest client says.
  std::string connect_well() {
    say(init());
    say(region(), memory());
    for (size_t i = 0; i < 2; ++i) say(ring(i), bell(i));
    memif::Message message{};
    message.type = memif::connect;
    return say(message);
  }
  MemifLink& link() { return *link_; }
  memif::Ring& shared_ring(size_t number) {
    return *reinterpret_cast<memif::Ring*>(link_->regions()[0].base() + link_->places()[number].ring.offset);
  }
  memif::Descriptor& descriptor(size_t ring, size_t slot) {
    return reinterpret_cast<memif::Descriptor*>(&shared_ring(ring) + 1)[slot];
  }

 private:
  File socket_;
  std::unique_ptr<MemifLink> link_;
};

TEST(MemifEnd, WhatAClientMustNotSayIsAnsweredWithTheReason) {
  const test::Folder folder;
  const std::string path = folder / "wire.sock";
  const auto server = end_of(settings_of(path, true));
  using Lie = std::function<std::string(Liar&)>;
  const auto with = [](memif::Message message, auto&& change) {
    change(message);
    return message;
  };
  const auto as_far_as_region = [](Liar& liar) {
    return liar.say(Liar::init()), liar.say(liar.region(), liar.memory());
  };
  const std::pair<const char*, Lie> lies[] = {
      {"invalid message size", [](Liar& liar) { return liar.say(Liar::init(), -1, 64); }},
      {"invalid message size",
       [](Liar& liar) {
         const std::array<memif::Message, 2> long_one{Liar::init(), Liar::init()};
         return liar.say(long_one[0], -1, sizeof(memif::Message) + 1);
       }},
      {"unexpected message", [](Liar& liar) { return liar.say(liar.region(), liar.memory()); }},
      {"unexpected message", [](Liar& liar) { return liar.say(Liar::init()), liar.say(Liar::init()); }},
      {"unexpected message",
       [&](Liar& liar) { return liar.say(Liar::init()), liar.say(with(Liar::init(), [](auto& m) { m.type = 99; })); }},
      {"incompatible version",
       [&](Liar& liar) { return liar.say(with(Liar::init(), [](auto& m) { m.init.version = 0x100; })); }},
      {"only Ethernet mode is supported",
       [&](Liar& liar) { return liar.say(with(Liar::init(), [](auto& m) { m.init.mode = 1; })); }},
      {"ID not found", [&](Liar& liar) { return liar.say(with(Liar::init(), [](auto& m) { m.init.id = 7; })); }},
      {"missing region fd", [](Liar& liar) { return liar.say(Liar::init()), liar.say(liar.region()); }},
      {"invalid region index",
       [&](Liar& liar) {
         return liar.say(Liar::init()),
                liar.say(with(liar.region(), [](auto& m) { m.add_region.index = 3; }), liar.memory());
       }},
      {"a region is not in its file",
       [&](Liar& liar) {
         return liar.say(Liar::init()),
                liar.say(with(liar.region(), [](auto& m) { m.add_region.size += 1; }), liar.memory());
       }},
      {"a region is not in its file",
       [&](Liar& liar) {
         return liar.say(Liar::init()),
                liar.say(with(liar.region(), [](auto& m) { m.add_region.size = 0; }), liar.memory());
       }},
      {"a region's file is no memory",
       [&](Liar& liar) { return liar.say(Liar::init()), liar.say(liar.region(), liar.bell(0)); }},
      {"a region is too large",
       [&](Liar& liar) {
         const File sparse(memfd_create("sparse", MFD_CLOEXEC));
         EXPECT_EQ(ftruncate(sparse.fd(), off_t{9} << 30), 0);
         liar.say(Liar::init());
         return liar.say(with(liar.region(), [](auto& m) { m.add_region.size = uint64_t{9} << 30; }), sparse.fd());
       }},
      {"a region is too large",
       [&](Liar& liar) {
         const File sparse(memfd_create("sparse", MFD_CLOEXEC));
         EXPECT_EQ(ftruncate(sparse.fd(), off_t{5} << 30), 0);
         liar.say(Liar::init());
         const auto region = with(liar.region(), [](auto& m) { m.add_region.size = uint64_t{5} << 30; });
         EXPECT_EQ(liar.say(region, sparse.fd()), "ack");
         struct stat status {};
         EXPECT_EQ(fstat(sparse.fd(), &status), 0);
         EXPECT_EQ(status.st_blocks, 0) << "nothing is filled on our account";
         return liar.say(with(region, [](auto& m) { m.add_region.index = 1; }), sparse.fd());
       }},
      {"missing interrupt fd", [&](Liar& liar) { return as_far_as_region(liar), liar.say(liar.ring(0)); }},
      {"the interrupt fd is no eventfd",
       [&](Liar& liar) { return as_far_as_region(liar), liar.say(liar.ring(0), liar.memory()); }},
      {"private headers are not supported",
       [&](Liar& liar) {
         return as_far_as_region(liar),
                liar.say(with(liar.ring(0), [](auto& m) { m.add_ring.private_header_bytes = 64; }), liar.bell(0));
       }},
      {"invalid ring index",
       [&](Liar& liar) {
         return as_far_as_region(liar),
                liar.say(with(liar.ring(0), [](auto& m) { m.add_ring.index = 1; }), liar.bell(0));
       }},
      {"invalid ring",
       [&](Liar& liar) {
         return as_far_as_region(liar),
                liar.say(with(liar.ring(0), [](auto& m) { m.add_ring.region = 1; }), liar.bell(0));
       }},
      {"invalid ring",
       [&](Liar& liar) {
         return as_far_as_region(liar),
                liar.say(with(liar.ring(0), [](auto& m) { m.add_ring.log2_ring_size = 16; }), liar.bell(0));
       }},
      {"invalid ring",
       [&](Liar& liar) {
         return as_far_as_region(liar),
                liar.say(with(liar.ring(0), [](auto& m) { m.add_ring.log2_ring_size = 15; }), liar.bell(0));
       }},
      {"invalid ring",
       [&](Liar& liar) {
         return as_far_as_region(liar),
                liar.say(with(liar.ring(0), [](auto& m) { m.add_ring.offset = 0xfffffff8; }), liar.bell(0));
       }},
      {"invalid ring",
       [&](Liar& liar) {
         return as_far_as_region(liar),
                liar.say(with(liar.ring(0), [](auto& m) { m.add_ring.offset = 4096; }), liar.bell(0));
       }},
      {"a ring in each direction is needed",
       [&](Liar& liar) {
         as_far_as_region(liar);
         liar.say(liar.ring(0), liar.bell(0));
         return liar.say(with(memif::Message{}, [](auto& m) { m.type = memif::connect; }));
       }},
      {"unexpected message", [&](Liar& liar) { return liar.connect_well(), liar.say(liar.region(), liar.memory()); }},
  };
  for (const auto& [reason, lie] : lies) {
    Liar liar(path);
    EXPECT_EQ(lie(liar), reason);
    EXPECT_EQ(liar.answer().type, memif::none) << "hangs up after " << reason;
    EXPECT_TRUE(until([&] { return !server->connected(); }));
  }
  Liar honest(path);
  EXPECT_EQ(honest.connect_well(), "connected");
}

// Of this process, in milliseconds.
double processor_time() { return 1000.0 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

TEST(MemifEnd, AClientThatIsRefusedWaitsAndKeepsItsWishes) {
  const test::Folder folder;
  const std::string path = folder / "wire.sock";
  const auto server = end_of(settings_of(path, true, 4));
  auto first = end_of(settings_of(path, false, 4));
  ASSERT_TRUE(first->wait(2000ms)) << first->trouble();
  const auto second = end_of(settings_of(path, false, 4));
  const double before = processor_time();
  EXPECT_FALSE(second->wait(600ms));
  EXPECT_LT(processor_time() - before, 200.0) << "tries again and again";
  first.reset();
  ASSERT_TRUE(second->wait(2000ms)) << second->trouble();
  EXPECT_EQ(second->offered().load()->incoming.size(), 4u);
}

TEST(MemifEnd, AServerThatIsBusyForLongCostsNoPairs) {
  const test::Folder folder;
  const std::string path = folder / "wire.sock";
  const File busy(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(bind(busy.fd(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(busy.fd(), 4), 0);
  const auto client = end_of(settings_of(path, false, 4));
  EXPECT_TRUE(until([&] { return client->trouble() == "the other end does not go on"; }));
  unlink(path.c_str());
  const auto server = end_of(settings_of(path, true, 4));
  ASSERT_TRUE(client->wait(2000ms)) << client->trouble();
  EXPECT_EQ(client->offered().load()->incoming.size(), 4u);
}

TEST(MemifEnd, ASocketThatIsSomebodyElsesByNowStays) {
  const test::Folder folder;
  const std::string path = folder / "wire.sock";
  auto first = end_of(settings_of(path, true));
  unlink(path.c_str());
  const auto second = end_of(settings_of(path, true));
  first.reset();
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(MemifEnd, WithoutAFreeDescriptorItWaits) {
  isolated([] {
    const test::Folder folder;
    const std::string path = folder / "wire.sock";
    const auto server = end_of(settings_of(path, true));
    const auto client = end_of(settings_of(path, false));
    ASSERT_TRUE(client->wait(2000ms)) << client->trouble();
    const File caller(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    const rlimit limit{64, 64};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    std::vector<File> all;
    for (File one(dup(0)); one.fd() >= 0; one = File(dup(0))) all.push_back(std::move(one));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(connect(caller.fd(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    const double before = processor_time();
    std::this_thread::sleep_for(500ms);
    EXPECT_LT(processor_time() - before, 150.0);
    all.clear();
    memif::Message message{};
    EXPECT_EQ(recv(caller.fd(), &message, sizeof(message), 0), static_cast<ssize_t>(sizeof(message)));
    EXPECT_STREQ(message.disconnect.reason, "already connected");
  });
}

TEST(MemifEnd, WhoSaysNothingMakesRoomForOthers) {
  const test::Folder folder;
  const std::string path = folder / "wire.sock";
  const auto server = end_of(settings_of(path, true));
  Liar silent(path);
  const auto client = end_of(settings_of(path, false));
  EXPECT_TRUE(client->wait(5000ms)) << client->trouble();
}

// A worker's queue that serves, and a client who writes into their memory as he likes.
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
    rte_mbuf* mbufs[dataplane::burst_max];
    const uint16_t count = queue->receive(mbufs);
    std::vector<size_t> lengths;
    for (uint16_t i = 0; i < count; ++i) lengths.push_back(mbufs[i]->pkt_len);
    rte_pktmbuf_free_bulk(mbufs, count);
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
          rte_mbuf* mbufs[dataplane::burst_max];
          const uint16_t count = queue.receive(mbufs);
          rte_pktmbuf_free_bulk(mbufs, count);
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
          rte_mbuf* mbufs[dataplane::burst_max];
          rte_pktmbuf_free_bulk(mbufs, queue.receive(mbufs));
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
