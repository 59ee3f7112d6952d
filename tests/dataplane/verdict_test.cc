// Rows: what came, in which circumstances, where the ledger books it.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "dataplane/fixture.h"
#include "support/effort.h"

namespace viaduct::dataplane {
namespace {

using telemetry::Reason;
using test::Bytes;
using test::Call;
using test::LabOptions;
using test::packet;

const Call sound_call;
const std::string sound_invite = test::invite_of(sound_call, 1100);

test::PacketBuilder outside(std::string_view text = sound_invite) {
  return packet()
      .ethernet(test::gateway_mac, test::edge_mac)
      .between("198.51.100.7:5060", "192.0.2.10:5060")
      .payload(text);
}

std::string with(std::string text, std::string_view old_text, std::string_view new_text) {
  return text.replace(text.find(old_text), old_text.size(), new_text);
}

struct Judged {
  std::string description;
  Bytes frame;
  Reason reason;
  LabOptions lab = {};
  MemoryIo::Options io = {};
};

class VerdictTest : public WorkersTest {
 protected:
  void expect(const Judged& one) {
    SCOPED_TRACE(one.description);
    start(one.lab, 1, one.io);
    injected_ = 0;
    const auto sent = through(one.frame);
    EXPECT_EQ(count(one.reason), 1u) << text_of(one.reason).name;
    const telemetry::Ledger ledger = telemetry::ledger_of(bench().counters);
    EXPECT_EQ(ledger.received, 1u);
    const telemetry::LedgerTerm term = text_of(one.reason).term;
    EXPECT_EQ(ledger.dropped, term == telemetry::LedgerTerm::dropped ? 1u : 0u);
    EXPECT_EQ(ledger.absorbed, term == telemetry::LedgerTerm::absorbed ? 1u : 0u);
    EXPECT_EQ(ledger.replied, term == telemetry::LedgerTerm::replied ? 1u : 0u);
    EXPECT_EQ(ledger.punted, term == telemetry::LedgerTerm::punted ? 1u : 0u);
    EXPECT_EQ(sent.size(), term == telemetry::LedgerTerm::replied ? 1u : 0u);
    EXPECT_EQ(io().take_punted().size(), term == telemetry::LedgerTerm::punted ? 1u : 0u);
    EXPECT_EQ(bench().counters.forwarded.value(), 0u);
    EXPECT_TRUE(ledger.closes()) << telemetry::to_string(ledger);
  }
};

TEST_F(VerdictTest, FramesThatAreNotSip) {
  const std::vector<Judged> cases = {
      {"cut short",
       [] {
         Bytes frame = outside().frame();
         frame.pop_back();
         return frame;
       }(),
       Reason::frame_truncated},
      {"a fragment", outside().fragment(0x2000).frame(), Reason::fragment},
      {"IPv6 without a UDP checksum",
       packet().between("[2001:db8:2::7]:5060", "[2001:db8::10]:5060").payload(sound_invite).no_udp_checksum().frame(),
       Reason::udp_checksum_zero_v6},
      {"SEC-05: nobody's port, no kernel, and no ICMP either", outside().udp(5060, 53).frame(), Reason::not_for_us},
      {"nobody's port, a kernel", outside().udp(5060, 53).frame(), Reason::left_to_kernel, {.twin = true}},
      {"TRQ-14: we ourselves", outside().between("192.0.2.10:5060", "192.0.2.10:5060").frame(), Reason::source_invalid},
      {"TRQ-14: another socket of ours", outside().between("10.0.0.1:5060", "192.0.2.10:5060").frame(),
       Reason::source_invalid},
      {"SEC-04: a backend that comes from outside", outside().between("10.0.1.2:5060", "192.0.2.10:5060").frame(),
       Reason::source_invalid},
      {"source port 0", outside().udp(0, 5060).frame(), Reason::source_invalid},
      {"an empty datagram", outside("").frame(), Reason::keepalive},
      {"CRLFs", outside("\r\n\r\n").frame(), Reason::keepalive},
      {"a STUN message", outside(std::string("\x00\x01\x00\x00\x21\x12\xa4\x42 twelve bytes", 22)).frame(),
       Reason::stun},
      {"a SigComp message", outside("\xf8 compressed").frame(), Reason::sigcomp},
      {"no start line at all", outside("0123456789 0123456789").frame(), Reason::not_sip},
      {"a request without Via", outside("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n").frame(),
       Reason::unanswerable_request},
  };
  for (const Judged& one : cases) expect(one);
}

TEST_F(VerdictTest, MessagesThatGoNoFurther) {
  const std::vector<Judged> cases = {
      {"no hops left", outside(with(sound_invite, "Max-Forwards: 70", "Max-Forwards: 0")).frame(),
       Reason::too_many_hops},
      {"a response that we did not ask for", outside(test::answer_to(sound_invite, "200 OK")).frame(),
       Reason::via_not_ours},
      {"no backend", outside().frame(), Reason::no_backend, {.backend_count = 0}},
  };
  for (const Judged& one : cases) expect(one);
}

TEST_F(VerdictTest, MessagesThatCannotLeave) {
  const std::vector<Judged> cases = {
      {"above the largest datagram there is",
       outside(test::request_of(sound_call, "INVITE", "", std::string(65'100, 'x'))).frame(), Reason::over_mtu},
      {"no room for the Via", outside().frame(), Reason::no_headroom, {}, {.room = {.head = 20, .tail = 0}}},
  };
  for (const Judged& one : cases) expect(one);
}

TEST_F(VerdictTest, WhereThereIsNoRoute) {
  start();
  view_.adjacency = std::make_shared<Adjacency>();
  through(outside().frame());
  EXPECT_EQ(count(Reason::no_route), 1u);
}

TEST_F(VerdictTest, AMissingNeighborIsAskedFor) {
  start({.neighbors_known = false});
  through(outside().frame());
  through(packet()
              .ethernet(test::gateway_mac, test::edge_mac)
              .between("198.51.100.7:5060", "192.0.2.10:5060")
              .payload(with(sound_invite, "Max-Forwards: 70", "Max-Forwards: 0"))
              .frame());
  std::array<WantedNeighbor, 8> wanted;
  ASSERT_EQ(bench().wanted.take(wanted), 2u);
  EXPECT_EQ(wanted[0].port, 1);
  EXPECT_TRUE(to_string(wanted[0].address).starts_with("10.0.1.")) << to_string(wanted[0].address);
  EXPECT_EQ(wanted[1].port, 0);
  EXPECT_EQ(to_string(wanted[1].address), "192.0.2.1") << "the gateway, not the client behind it";
  bench().worker->release_waiting();
}

// SEC-02
TEST_F(VerdictTest, ChecksumsThePortFoundWrong) {
  start();
  io().inject(
      {.port = 0, .bytes = outside().frame(), .ip_checksum = ChecksumState::bad, .udp_checksum = ChecksumState::good});
  io().inject(
      {.port = 0, .bytes = outside().frame(), .ip_checksum = ChecksumState::good, .udp_checksum = ChecksumState::bad});
  injected_ = 2;
  turn();
  EXPECT_EQ(count(Reason::ip_checksum_bad), 1u);
  EXPECT_EQ(count(Reason::udp_checksum_bad), 1u);
}

TEST_F(VerdictTest, WhatTheTransmitQueueDoesNotTakeIsFreedAndCounted) {
  start({}, 1, {.transmit_room = 3});
  for (int i = 0; i < 10; ++i) inject(outside().frame());
  turn();
  EXPECT_EQ(io().take_sent().size(), 3u);
  EXPECT_EQ(count(Reason::tx_full), 7u);
  EXPECT_EQ(bench().counters.forwarded.value(), 3u);
  EXPECT_EQ(bench().counters.requests_forwarded.value(), 3u);
}

TEST_F(VerdictTest, ABurstMayHoldEverything) {
  start({.twin = true});
  const std::string refused = with(sound_invite, "Max-Forwards: 70", "Max-Forwards: 0");
  for (int i = 0; i < 100; ++i) {
    inject(outside().frame());
    inject(outside().udp(53, 53).frame());
    inject(outside("\r\n").frame());
    inject(outside(refused).frame());
    inject(outside("junk junk junk").frame());
  }
  turn();
  const telemetry::Ledger ledger = telemetry::ledger_of(bench().counters);
  EXPECT_EQ(ledger.received, 500u);
  EXPECT_EQ(ledger.forwarded, 100u);
  EXPECT_EQ(ledger.punted, 100u);
  EXPECT_EQ(ledger.absorbed, 100u);
  EXPECT_EQ(ledger.replied, 100u);
  EXPECT_EQ(ledger.dropped, 100u);
  EXPECT_EQ(io().take_sent().size(), 200u);
  EXPECT_GT(bench().counters.bursts.value(), 6u);
  EXPECT_GE(bench().counters.empty_polls.value(), 1u);
  EXPECT_EQ(bench().counters.loops.value(), bench().counters.bursts.value() + bench().counters.empty_polls.value());
}

// A View published between two bursts counts from the next one on.
TEST_F(VerdictTest, EveryBurstReadsTheCurrentView) {
  start();
  EXPECT_EQ(through(outside().frame()).size(), 1u);
  const View other = test::lab_view({.backend_count = 0});
  current_.store(&other);
  through(outside().frame());
  EXPECT_EQ(count(Reason::no_backend), 1u);
  current_.store(&view_);
}

// SEC-10, "no crash, no leak, no unaccounted message, ever": whatever comes is booked once.
TEST_F(VerdictTest, RandomDamageIsAlwaysBooked) {
  start({.record_route = true, .twin = true});
  std::mt19937 random(20261122);
  test::MessageCorpus corpus;
  const std::vector<test::CorpusMessage> messages = corpus.requests(64);
  for (int round = 0; round < test::rounds(20'000); ++round) {
    const test::CorpusMessage& message = messages[random() % messages.size()];
    const bool v6 = random() % 4 == 0;
    test::PacketBuilder builder = v6 ? packet().between("[2001:db8:2::7]:5060", "[2001:db8::10]:5060") : outside();
    if (random() % 4 == 0) builder.vlan(static_cast<uint16_t>(random()));
    Bytes frame = builder.payload(message.text).frame();
    const unsigned damage = random() % 8;
    for (unsigned i = 0; i < damage; ++i) {
      const size_t at = random() % 3 == 0 ? random() % 60 : random() % frame.size();
      frame[at] =
          random() % 2 ? static_cast<uint8_t>(random()) : static_cast<uint8_t>(" \r\n:;<>\"@,=\t"[random() % 12]);
    }
    if (random() % 16 == 0) frame.resize(random() % frame.size());
    inject(frame, random() % 2);
    if (round % 512 == 0) {
      turn();
      for (const MemoryIo::Frame& sent : io().take_sent()) {
        const test::Datagram out = test::read_back(sent.bytes);
        ASSERT_TRUE(out.lengths_right && out.ip_checksum_right && out.udp_checksum_right);
      }
      io().take_punted();
    }
  }
  turn();
  EXPECT_GT(bench().counters.forwarded.value(), 1000u);
}

TEST_F(VerdictTest, FramesOfPureNoiseAreBooked) {
  start();
  std::mt19937 random(5);
  for (int round = 0; round < 5'000; ++round) {
    Bytes frame(random() % 200);
    for (uint8_t& byte : frame) byte = static_cast<uint8_t>(random());
    inject(frame);
    if (round % 100 == 0) turn();
  }
  turn();
  EXPECT_EQ(bench().counters.received.value(), 5'000u);
}

}  // namespace
}  // namespace viaduct::dataplane
