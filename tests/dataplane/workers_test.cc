// More than one worker: every message of a call ends at one of them, whichever queue it came by.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/fixture.h"

namespace viaduct::dataplane {
namespace {

using telemetry::Reason;
using test::Call;
using test::header_values;

// A frame and the port it arrives at.
struct Arriving {
  test::Bytes frame;
  uint16_t port;
};

// All frames of one call, both ways: INVITE, its retransmission, 100, 180, 200, ACK, BYE, 200. Answers are made from
// what a balancer with the same keys forwarded.
std::vector<Arriving> frames_of(Call call, const View& view) {
  MemoryIo io;
  telemetry::WorkerCounters counters;
  HandoffMesh mesh(1);
  const std::atomic<const View*> current{&view};
  Worker<MemoryIo> worker({.worker = 0, .mesh = mesh, .view = current, .counters = counters}, io);
  std::vector<Arriving> frames;
  const auto request = [&](const std::string& text) {
    frames.push_back({test::from_outside(call.caller, text), edge});
    io.inject(frames.back().frame, edge);
    worker.turn();
    const auto sent = io.take_sent();
    return sent.empty() ? test::Datagram{} : test::read_back(sent[0].bytes);
  };
  const auto answer = [&](const test::Datagram& to, std::string_view status) {
    const std::string text = test::answer_to(to.payload, status);
    frames.push_back({test::from_inside(to_string(to.destination), text, to_string(to.source)), core});
  };
  const test::Datagram invite = request(test::invite_of(call, 1000));
  frames.push_back(frames.back());
  for (const std::string_view status : {"100 Trying", "180 Ringing", "200 OK"}) answer(invite, status);
  call.to_tag = "8321234356";
  call.branch += "a";
  request(test::request_of(call, "ACK"));
  call.branch += "b";
  answer(request(test::request_of(call, "BYE")), "200 OK");
  return frames;
}

constexpr size_t messages_a_call = 8;

class HandoffWorkersTest : public WorkersTest {
 protected:
  // Which workers sent messages of a call, and to which backends its requests went.
  struct Seen {
    std::set<size_t> owners;
    std::set<std::string> backends;
    size_t messages = 0;
  };
  std::map<std::string, Seen> seen() {
    std::map<std::string, Seen> calls;
    for (size_t worker = 0; worker < benches_.size(); ++worker) {
      for (const MemoryIo::Frame& frame : io(worker).take_sent()) {
        const test::Datagram out = test::read_back(frame.bytes);
        EXPECT_TRUE(out.lengths_right && out.ip_checksum_right && out.udp_checksum_right);
        Seen& call = calls[header_values(out.payload, "Call-ID").at(0)];
        call.owners.insert(worker);
        ++call.messages;
        if (frame.port == core) call.backends.insert(to_string(out.destination));
      }
    }
    return calls;
  }
};

TEST_F(HandoffWorkersTest, AllMessagesOfACallEndAtOneOwnerAndOneBackend) {
  for (const size_t workers : {2u, 3u}) {
    SCOPED_TRACE(workers);
    start({}, workers);
    injected_ = 0;
    test::MessageCorpus corpus;
    std::mt19937 random(9);
    constexpr size_t calls = 200;
    for (size_t i = 0; i < calls; ++i) {
      for (const Arriving& arriving : frames_of(corpus.call(), view_))
        inject(arriving.frame, arriving.port, random() % workers);
    }
    turn();
    const auto by_call = seen();
    ASSERT_EQ(by_call.size(), calls);
    std::vector<size_t> owned(workers);
    for (const auto& [id, call] : by_call) {
      EXPECT_EQ(call.owners.size(), 1u) << id;
      EXPECT_EQ(call.backends.size(), 1u) << id;
      EXPECT_EQ(call.messages, messages_a_call) << id;
      ++owned[*call.owners.begin()];
    }
    for (size_t worker = 0; worker < workers; ++worker) {
      EXPECT_GT(owned[worker], calls / workers / 2) << "the load is shared";
      EXPECT_GT(bench(worker).counters.handed_in.value(), 0u);
      EXPECT_GT(bench(worker).counters.handed_out.value(), 0u);
      const telemetry::Ledger ledger = telemetry::ledger_of(bench(worker).counters);
      EXPECT_TRUE(ledger.closes()) << telemetry::to_string(ledger);
    }
  }
}

TEST_F(HandoffWorkersTest, WithAffinityByQueueNothingIsHandedOver) {
  start({.affinity = Affinity::queue}, 2);
  test::MessageCorpus corpus;
  for (int i = 0; i < 50; ++i) {
    for (const Arriving& arriving : frames_of(corpus.call(), view_)) inject(arriving.frame, arriving.port, i % 2);
  }
  turn();
  for (size_t worker = 0; worker < 2; ++worker) {
    EXPECT_EQ(bench(worker).counters.handed_out.value(), 0u);
    EXPECT_EQ(bench(worker).counters.forwarded.value(), 25 * messages_a_call);
  }
}

// TXN-12, FWD-08: the owner is a matter of speed alone.
TEST_F(HandoffWorkersTest, WhoeverDecidesDecidesAlike) {
  test::MessageCorpus corpus;
  const std::vector<test::CorpusMessage> messages = corpus.requests(100);
  const auto outcome = [&](size_t workers, Affinity affinity) {
    start({.affinity = affinity}, workers);
    injected_ = 0;
    std::map<std::string, std::string> sent;
    for (size_t i = 0; i < messages.size(); ++i) {
      inject(test::from_outside(messages[i].call.caller, messages[i].text), edge, i % workers);
    }
    turn();
    for (size_t worker = 0; worker < workers; ++worker) {
      for (const MemoryIo::Frame& frame : io(worker).take_sent()) {
        const test::Datagram out = test::read_back(frame.bytes);
        sent[header_values(out.payload, "Call-ID").at(0)] = to_string(out.destination) + "\n" + out.payload;
      }
    }
    return sent;
  };
  const auto one = outcome(1, Affinity::transaction);
  EXPECT_EQ(one.size(), messages.size());
  EXPECT_EQ(one, outcome(2, Affinity::transaction));
  EXPECT_EQ(one, outcome(5, Affinity::transaction));
  EXPECT_EQ(one, outcome(3, Affinity::queue));
}

// CAN-09: a CANCEL cannot overtake its INVITE, though others' calls are handed over between them.
TEST_F(HandoffWorkersTest, TheOrderWithinACallIsKept) {
  start({}, 3);
  test::MessageCorpus corpus;
  std::vector<Call> calls;
  for (int i = 0; i < 100; ++i) calls.push_back(corpus.call());
  for (unsigned round = 0; round < 5; ++round) {
    for (Call& call : calls) {
      call.cseq = 1 + round;
      call.branch = "round" + std::to_string(round);
      inject(test::from_outside(call.caller, test::request_of(call, "OPTIONS")), edge, 0);
    }
  }
  turn();
  std::map<std::string, unsigned> last;
  for (size_t worker = 0; worker < 3; ++worker) {
    for (const MemoryIo::Frame& frame : io(worker).take_sent()) {
      const std::string message = test::read_back(frame.bytes).payload;
      const auto number = static_cast<unsigned>(std::stoul(header_values(message, "CSeq").at(0)));
      EXPECT_EQ(number, ++last[header_values(message, "Call-ID").at(0)]);
    }
  }
  EXPECT_EQ(last.size(), calls.size());
}

TEST_F(HandoffWorkersTest, WhatHasNoCallStaysWhereItCame) {
  start({}, 2);
  for (size_t worker = 0; worker < 2; ++worker) {
    inject(test::from_outside("198.51.100.7:5060", "\r\n\r\n"), edge, worker);
    inject(test::from_outside("198.51.100.7:5060", "no SIP at all, no SIP at all"), edge, worker);
    std::string request = test::request_of(Call{}, "OPTIONS");
    const size_t begin = request.find("Call-ID");
    request.erase(begin, request.find("CSeq") - begin);
    inject(test::from_outside("198.51.100.7:5060", request), edge, worker);
  }
  turn();
  for (size_t worker = 0; worker < 2; ++worker) {
    EXPECT_EQ(count(Reason::malformed_request, worker), 1u);
    EXPECT_EQ(count(Reason::keepalive, worker), 1u);
    EXPECT_EQ(count(Reason::not_sip, worker), 1u);
  }
}

// Though the owner may see the next View already, in which the packet would be another's.
TEST_F(HandoffWorkersTest, WhatWasHandedOverIsNotHandedOn) {
  start({}, 2);
  test::MessageCorpus corpus;
  for (int i = 0; i < 64; ++i) {
    const Call call = corpus.call();
    inject(test::from_outside(call.caller, test::request_of(call, "OPTIONS")), edge, 0);
  }
  bench(0).worker->turn();
  const size_t handed = mesh_->waiting();
  auto other_keys = std::make_shared<proxy::View>(*view_.proxy);
  other_keys->keys = proxy::derive_keys(steer::Secret{9, 9, 9});
  proxy::finish(*other_keys);
  View next = view_;
  next.proxy = other_keys;
  current_.store(&next);
  bench(1).worker->turn();
  EXPECT_EQ(bench(1).counters.handed_in.value(), handed);
  EXPECT_EQ(bench(1).counters.forwarded.value(), handed);
  EXPECT_EQ(bench(1).counters.handed_out.value(), 0u);
  current_.store(&view_);
}

TEST_F(HandoffWorkersTest, WhatAFullRingDoesNotTakeIsJudgedWhereItIs) {
  start({}, 2, {}, 8);
  test::MessageCorpus corpus;
  for (int i = 0; i < 64; ++i) {
    const Call call = corpus.call();
    inject(test::from_outside(call.caller, test::request_of(call, "OPTIONS")), edge, 0);
  }
  bench(0).worker->turn();
  EXPECT_EQ(bench(0).counters.handed_out.value(), 8u);
  EXPECT_GT(bench(0).counters.handoff_kept.value(), 5u);
  EXPECT_EQ(bench(0).counters.forwarded.value(), 56u);
  EXPECT_EQ(count(Reason::handoff_full, 0), 0u);
  EXPECT_EQ(mesh_->waiting(), 8u);
  turn();
  EXPECT_EQ(bench(1).counters.handed_in.value(), 8u);
  EXPECT_EQ(bench(1).counters.forwarded.value(), 8u);
}

TEST_F(HandoffWorkersTest, AStopFinishesWhatIsInTheRings) {
  start({}, 2);
  test::MessageCorpus corpus;
  for (int i = 0; i < 64; ++i) {
    const Call call = corpus.call();
    inject(test::from_outside(call.caller, test::request_of(call, "OPTIONS")), edge, 0);
  }
  bench(0).worker->turn();
  ASSERT_GT(mesh_->waiting(), 10u);
  std::thread other([&] { bench(1).worker->drain(); });
  bench(0).worker->drain();
  other.join();
  EXPECT_EQ(mesh_->waiting(), 0u);
  EXPECT_EQ(count(Reason::shutdown, 1), 0u);
  EXPECT_EQ(bench(0).counters.forwarded.value() + bench(1).counters.forwarded.value(), 64u);
}

// A worker that never comes to its end does not hold up the others; what it left is freed and named.
TEST_F(HandoffWorkersTest, WhatIsLeftAfterTheStopIsCounted) {
  start({}, 2);
  test::MessageCorpus corpus;
  for (int i = 0; i < 64; ++i) {
    const Call call = corpus.call();
    inject(test::from_outside(call.caller, test::request_of(call, "OPTIONS")), edge, 0);
  }
  bench(0).worker->turn();
  const size_t left = mesh_->waiting();
  bench(1).worker->release_waiting();
  EXPECT_EQ(count(Reason::shutdown, 1), left);
  EXPECT_EQ(bench(1).counters.handed_in.value(), left);
}

// Two real threads, each with its own queue, sending each other what is not theirs.
TEST_F(HandoffWorkersTest, TwoThreadsShareAHundredThousandMessages) {
  start({}, 2, {.keep = false});
  constexpr size_t calls = 400, rounds = 32;
  static_assert(calls * messages_a_call * rounds > 100'000);
  test::MessageCorpus corpus;
  std::vector<Arriving> frames;
  for (size_t i = 0; i < calls; ++i) {
    for (Arriving& arriving : frames_of(corpus.call(), view_)) frames.push_back(std::move(arriving));
  }
  std::atomic<size_t> finished{0};
  const auto loop = [&](size_t self) {
    Bench& mine = bench(self);
    for (size_t round = 0; round < rounds; ++round) {
      for (size_t i = self; i < frames.size(); i += 2) {
        mine.io.inject(frames[i].frame, frames[i].port);
        if (mine.io.waiting() < burst_max) continue;
        // Not faster than the other takes: this test is about order and accounts, not about overload.
        while (mesh_->waiting() > handoff_ring_packets / 2) mine.worker->turn(), std::this_thread::yield();
        mine.worker->turn();
      }
    }
    while (mine.io.waiting() != 0) mine.worker->turn();
    finished.fetch_add(1);
    while (finished.load() != 2) mine.worker->turn();
    mine.worker->drain();
  };
  std::thread other(loop, 1);
  loop(0);
  other.join();
  injected_ = frames.size() * rounds;

  uint64_t received = 0, forwarded = 0, handed_in = 0, handed_out = 0;
  for (size_t worker = 0; worker < 2; ++worker) {
    const telemetry::Ledger ledger = telemetry::ledger_of(bench(worker).counters);
    received += ledger.received, forwarded += ledger.forwarded;
    handed_in += ledger.handed_in, handed_out += ledger.handed_out;
    EXPECT_EQ(count(Reason::handoff_full, worker), 0u);
    EXPECT_EQ(count(Reason::shutdown, worker), 0u);
  }
  EXPECT_EQ(received, injected_);
  EXPECT_EQ(forwarded, injected_);
  EXPECT_EQ(handed_in, handed_out);
  EXPECT_GT(handed_in, injected_ / 3);
}

}  // namespace
}  // namespace viaduct::dataplane
