// What the loop itself promises to the PacketIo, to RCU and to whoever stops it.
#include "dataplane/worker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>

#include "dataplane/memory_io.h"
#include "support/lab.h"
#include "support/message_corpus.h"

namespace viaduct::dataplane {
namespace {

using telemetry::Reason;

// The queue of one port is full; what the other takes is moved to the front, as a port-wise PacketIo does.
class OnePortFullIo {
 public:
  size_t receive(std::span<Packet> packets) { return io.receive(packets); }
  size_t transmit(std::span<Packet> packets) {
    const auto rest = std::stable_partition(packets.begin(), packets.end(),
                                            [&](const Packet& packet) { return packet.port != full_port; });
    return io.transmit(packets.first(static_cast<size_t>(rest - packets.begin())));
  }
  void punt(std::span<Packet> packets) { io.punt(packets); }
  void release(std::span<Packet> packets) { io.release(packets); }

  MemoryIo io;
  uint16_t full_port = 1;
};

// Counts the calls, and has the View change hands as it may at each of them.
struct Quiesce {
  std::atomic<const View*>* current;
  const std::array<const View*, 2>* views;
  size_t* calls;
  void operator()() const { current->store((*views)[++*calls % 2]); }
};

template <class Io, class Quiescence = NoQuiesce>
struct Rig {
  explicit Rig(Io& io, Idle idle = Idle::poll, Quiescence quiesce = {})
      : worker({.worker = 0, .mesh = mesh, .view = current, .counters = *counters, .idle = idle}, io, quiesce) {}

  View view = test::lab_view();
  std::atomic<const View*> current{&view};
  HandoffMesh mesh{1};
  std::unique_ptr<telemetry::WorkerCounters> counters = std::make_unique<telemetry::WorkerCounters>();
  Worker<Io, Quiescence> worker;
};

TEST(Worker, BooksWhatWasTakenWhereverThePortsLeftIt) {
  OnePortFullIo io;
  Rig rig(io);
  test::MessageCorpus corpus;
  for (int i = 0; i < 20; ++i) {
    const test::Call call = corpus.call();
    std::string request = test::request_of(call, "OPTIONS");
    io.io.inject(test::from_outside(call.caller, request));  // leaves by port 1
    request.replace(request.find("Max-Forwards: 70"), 16, "Max-Forwards: 0");
    io.io.inject(test::from_outside(call.caller, request));  // is answered by port 0
  }
  rig.worker.turn();
  const telemetry::Ledger ledger = telemetry::ledger_of(*rig.counters);
  EXPECT_TRUE(ledger.closes()) << telemetry::to_string(ledger);
  EXPECT_EQ(ledger.replied, 20u);
  EXPECT_EQ(ledger.forwarded, 0u);
  EXPECT_EQ(rig.counters->by_reason[static_cast<size_t>(Reason::tx_full)].value(), 20u);
  EXPECT_EQ(io.io.sent_count(), 20u);
  EXPECT_EQ(io.io.released_count(), 20u);
}

TEST(Worker, ReportsAQuiescentStateOnceALoop) {
  MemoryIo io;
  const View first = test::lab_view(), second = test::lab_view();
  const std::array<const View*, 2> views = {&first, &second};
  std::atomic<const View*> current{&first};
  size_t calls = 0;
  HandoffMesh mesh(1);
  auto counters = std::make_unique<telemetry::WorkerCounters>();
  Worker<MemoryIo, Quiesce> worker({.worker = 0, .mesh = mesh, .view = current, .counters = *counters}, io,
                                   {&current, &views, &calls});
  const test::Call call;
  for (size_t loop = 0; loop < 10; ++loop) {
    if (loop % 2 == 0) io.inject(test::from_outside(call.caller, test::request_of(call, "OPTIONS")));
    worker.turn();
    EXPECT_EQ(calls, loop + 1);
  }
  EXPECT_EQ(counters->loops.value(), 10u);
  EXPECT_EQ(counters->bursts.value(), 5u);
  EXPECT_EQ(counters->empty_polls.value(), 5u);
  EXPECT_EQ(counters->forwarded.value(), 5u);
  worker.drain();
  EXPECT_GT(calls, 10u) << "nobody waits for a worker that has stopped";
}

TEST(Worker, StopsWhenToldAndSleepsWhenIdle) {
  for (const Idle idle : {Idle::poll, Idle::adaptive}) {
    MemoryIo io;
    Rig rig(io, idle);
    const test::Call call;
    for (int i = 0; i < 1000; ++i) io.inject(test::from_outside(call.caller, test::request_of(call, "OPTIONS")));
    std::atomic<bool> stop{false};
    std::thread thread([&] { rig.worker.run(stop); });
    while (rig.counters->forwarded.value() < 1000 || rig.counters->empty_polls.value() < 300) std::this_thread::yield();
    stop.store(true);
    thread.join();
    EXPECT_EQ(rig.counters->sleeps.value() > 0, idle == Idle::adaptive);
    EXPECT_TRUE(telemetry::ledger_of(*rig.counters).closes());
  }
}

}  // namespace
}  // namespace viaduct::dataplane
