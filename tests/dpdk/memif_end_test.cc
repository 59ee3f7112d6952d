// A memif's two ends in one process: links that come and go, and a client that says what is not so.
#include "dpdk/memif_end.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <ctime>
#include <functional>

#include "dpdk/fixture.h"
#include "dpdk/memif_peers.h"

namespace viaduct::dpdk {
namespace {

using namespace std::chrono_literals;
using test::end_of;
using test::isolated;
using test::Liar;
using test::settings_of;
using test::until;

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
  const test::MemifSocket busy(path);
  ASSERT_TRUE(busy.listen());
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
    const test::MemifSocket caller(path);
    const rlimit limit{64, 64};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    std::vector<File> all;
    for (File one(dup(0)); one.fd() >= 0; one = File(dup(0))) all.push_back(std::move(one));
    ASSERT_TRUE(caller.connect());
    const double before = processor_time();
    std::this_thread::sleep_for(500ms);
    EXPECT_LT(processor_time() - before, 150.0);
    all.clear();
    memif::Message message{};
    EXPECT_EQ(recv(caller.file.fd(), &message, sizeof(message), 0), static_cast<ssize_t>(sizeof(message)));
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

}  // namespace
}  // namespace viaduct::dpdk
