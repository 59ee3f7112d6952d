// Messages in fragments through a worker: in any order, once each, and never more memory than was given.
#include "support/fragments.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <thread>

#include "dataplane/fixture.h"
#include "support/effort.h"

namespace viaduct::dataplane {
namespace {

using namespace std::chrono_literals;
using telemetry::Reason;
using test::Bytes;
using test::fragment_of;
using test::fragments_of;

// Sanitizers look at a part of the orders: it is the same code.
constexpr uint32_t orders_step = test::sanitized ? 37 : 1;

constexpr const char* caller_v4 = "198.51.100.7:5060";
constexpr const char* caller_v6 = "[2001:db8:2::7]:5060";

// An INVITE of so many bytes that nobody has sent before.
std::string new_invite(size_t bytes) {
  static int count = 0;
  test::Call call;
  call.call_id = "fragments-" + std::to_string(++count) + "@example.com";
  return test::invite_of(call, bytes);
}

Bytes frame_of(std::string_view text, bool v6 = false, unsigned vlan = 0) {
  auto builder = test::packet()
                     .ethernet(test::gateway_mac, test::edge_mac)
                     .between(v6 ? caller_v6 : caller_v4, v6 ? "[2001:db8::10]:5060" : "192.0.2.10:5060")
                     .payload(text);
  if (vlan != 0) builder.vlan(static_cast<uint16_t>(vlan));
  return builder.frame();
}

class FragmentsTest : public WorkersTest {
 protected:
  FragmentsTest() { reassembly_ = {.entries = 64, .timeout = 50ms}; }

  // What a backend puts together of all that left since the last call.
  std::vector<test::Datagram> received() {
    test::Receiver receiver;
    for (auto& bench : benches_) {
      for (const MemoryIo::Frame& frame : bench->io.take_sent()) {
        EXPECT_LE(frame.bytes.size() - test::ip_at(frame.bytes), view_.ports[frame.port].mtu);
        receiver.take(frame.bytes);
      }
    }
    EXPECT_TRUE(receiver.waiting.empty());
    std::vector<test::Datagram> datagrams;
    for (const Bytes& whole : receiver.whole) {
      datagrams.push_back(test::read_back(whole));
      EXPECT_TRUE(datagrams.back().lengths_right && datagrams.back().ip_checksum_right);
      EXPECT_TRUE(datagrams.back().udp_checksum_right);
    }
    return datagrams;
  }
  std::vector<test::Datagram> given(const std::vector<Bytes>& frames) {
    for (const Bytes& frame : frames) inject(frame);
    turn();
    return received();
  }
  // Forwarded once, with nothing lost of the body.
  void expect_once(const std::vector<test::Datagram>& sent, const std::string& text) {
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(test::header_values(sent[0].payload, "Call-ID"), test::header_values(text, "Call-ID"));
    EXPECT_EQ(test::header_values(sent[0].payload, "Via").size(), 2u);
    EXPECT_EQ(test::body_of(sent[0].payload), test::body_of(text));
  }
  // Of all workers.
  uint64_t total(Reason reason) {
    uint64_t sum = 0;
    for (size_t i = 0; i < benches_.size(); ++i) sum += count(reason, i);
    return sum;
  }
  void wait_for(Reason reason, uint64_t expected) {
    for (int i = 0; i < 2000 && total(reason) < expected; ++i) {
      std::this_thread::sleep_for(1ms);
      turn();
    }
    EXPECT_EQ(total(reason), expected) << text_of(reason).name;
  }
};

TEST_F(FragmentsTest, FourKilobytesInThreePartsInAllOrders) {  // LBG-19
  for (const bool from_v6 : {false, true}) {
    for (const bool to_v6 : {false, true}) {
      start({.backends_v6 = to_v6, .record_route = true, .core_mtu = 1500});
      injected_ = 0;
      std::array<size_t, 3> order{0, 1, 2};
      uint32_t id = 0;
      do {
        const std::string text = new_invite(4000);
        const std::vector<Bytes> parts = fragments_of(frame_of(text, from_v6), 1480, ++id);
        ASSERT_EQ(parts.size(), 3u);
        const auto sent = given({parts[order[0]], parts[order[1]], parts[order[2]]});
        expect_once(sent, text);
        EXPECT_EQ(sent.at(0).v6, to_v6);
      } while (std::next_permutation(order.begin(), order.end()));
      const telemetry::PortFragments &in = bench().counters.fragments[0], &out = bench().counters.fragments[1];
      EXPECT_EQ(in.received.value(), 18u);
      EXPECT_EQ(in.put_together.value(), 6u);
      EXPECT_EQ(out.cut.value(), 6u);
      EXPECT_EQ(out.sent.value(), 18u);
      const telemetry::Ledger ledger = telemetry::ledger_of(bench().counters);
      EXPECT_EQ(ledger.forwarded, 6u);
      EXPECT_EQ(ledger.generated, 6u);
      EXPECT_EQ(ledger.absorbed, 18u);
      EXPECT_TRUE(ledger.closes()) << telemetry::to_string(ledger);
      injected_ = io().sent_count() + io().punted_count() + io().released_count() - io().made_count();
      EXPECT_EQ(injected_, 18u);
    }
  }
}

TEST_F(FragmentsTest, NineKilobytesInSevenPartsInRandomOrdersWithDuplicates) {  // LBG-19
  start({.record_route = true, .core_mtu = 9000});
  std::mt19937 random(3);
  for (uint32_t round = 0; round < 40; ++round) {
    const bool v6 = round % 2 != 0;
    const std::string text = new_invite(9000);
    std::vector<Bytes> parts = fragments_of(frame_of(text, v6), v6 ? 1448 : 1480, round);
    ASSERT_EQ(parts.size(), 7u);
    std::shuffle(parts.begin(), parts.end(), random);
    std::vector<Bytes> twice;
    for (const Bytes& part : parts) {
      twice.push_back(part);
      if (random() % 2 != 0) twice.push_back(part);
    }
    expect_once(given(twice), text);
  }
  EXPECT_EQ(total(Reason::fragment_kept) + total(Reason::fragment_repeated), injected_);
  wait_for(Reason::reassembly_timeout, 0);
}

// 5,040 orders in each family, of one INVITE: a copy is forwarded like any copy.
TEST_F(FragmentsTest, NineKilobytesInSevenPartsInAllOrders) {  // LBG-19
  start({.record_route = true, .core_mtu = 1500});
  const std::string text = new_invite(9000);
  uint32_t id = 0;
  for (const bool v6 : {false, true}) {
    const Bytes frame = frame_of(text, v6);
    std::array<size_t, 7> order{0, 1, 2, 3, 4, 5, 6};
    uint32_t orders = 0;
    do {
      if (orders++ % orders_step != 0) continue;
      const std::vector<Bytes> parts = fragments_of(frame, v6 ? 1448 : 1480, ++id);
      ASSERT_EQ(parts.size(), 7u);
      for (const size_t place : order) inject(parts[place]);
      turn();
      ASSERT_NO_FATAL_FAILURE(expect_once(received(), text));
    } while (std::next_permutation(order.begin(), order.end()));
    EXPECT_EQ(orders, 5040u);
  }
  const telemetry::PortFragments &in = bench().counters.fragments[0], &out = bench().counters.fragments[1];
  EXPECT_EQ(in.received.value(), 7 * id);
  EXPECT_EQ(in.put_together.value(), id);
  EXPECT_EQ(out.cut.value(), id);
  EXPECT_EQ(out.sent.value(), 7 * id);
  const telemetry::Ledger ledger = telemetry::ledger_of(bench().counters);
  EXPECT_EQ(ledger.forwarded, id);
  EXPECT_TRUE(ledger.closes()) << telemetry::to_string(ledger);
}

TEST_F(FragmentsTest, AMessageOfSixtyThousandBytes) {  // PAR-28
  start({.record_route = true, .core_mtu = 1500});
  const std::string text =
      test::request_of(test::Call(), "MESSAGE", "Content-Type: text/plain\r\n", std::string(60'000, 'm'));
  std::vector<Bytes> parts = fragments_of(frame_of(text), 1480, 1);
  std::reverse(parts.begin(), parts.end());
  expect_once(given(parts), text);
  EXPECT_GE(bench().counters.fragments[1].sent.value(), 41u);
}

TEST_F(FragmentsTest, WhatOutgrowsTheLinkLeavesInFragments) {  // LBG-20
  for (const bool v6 : {false, true}) {
    for (const bool offload : {false, true}) {
      start(
          {.backends_v6 = v6, .record_route = true, .udp_offload = offload, .ipv4_offload = offload, .core_mtu = 1500});
      const std::string text = new_invite(1400);
      injected_ = 0;
      expect_once(given({frame_of(text, false, 0x2064)}), text);
      EXPECT_EQ(bench().counters.fragments[1].cut.value(), 1u);
      EXPECT_EQ(bench().counters.fragments[1].sent.value(), 2u);
      EXPECT_EQ(bench().counters.forwarded.value(), 1u) << "in the ledger it is one";
    }
  }
}

TEST_F(FragmentsTest, TheTagsOfTheFirstPartAreThoseOfTheWhole) {
  start({.record_route = true});
  std::string refused = new_invite(4000);
  refused.replace(refused.find("Max-Forwards: 70"), 16, "Max-Forwards: 0 ");
  for (const Bytes& part : fragments_of(frame_of(refused, true, 0x2064), 1448, 1)) inject(part);
  turn();
  const auto frames = io().take_sent();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(test::get16(frames[0].bytes, 14), 0x2064u);
}

TEST_F(FragmentsTest, PartsMeetAtOneWorkerAndTheMessageAtItsOwn) {  // DSR-07
  start({.record_route = true, .core_mtu = 1500}, 3);
  std::mt19937 random(4);
  for (uint32_t round = 0; round < 60; ++round) {
    const std::string text = new_invite(4000);
    std::vector<Bytes> parts = fragments_of(frame_of(text, round % 2), 1448, round);
    std::shuffle(parts.begin(), parts.end(), random);
    for (size_t i = 0; i < parts.size(); ++i) inject(parts[i], 0, (i + round) % 3);  // as a NIC that spreads by ports
    turn();
    expect_once(received(), text);
  }
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_GT(bench(i).counters.fragments[0].put_together.value(), 5u);
    EXPECT_GT(bench(i).counters.forwarded.value(), 5u);
  }
}

// Their datagrams could not become whole anywhere else.
TEST_F(FragmentsTest, PartsForAFullHandoffRingAreDroppedWithTheirName) {
  start({.record_route = true, .core_mtu = 1500}, 2, {}, 8);
  for (uint32_t id = 0; id < 60; ++id) inject(fragments_of(frame_of(new_invite(4000)), 1448, id)[0]);
  bench(0).worker->turn();
  EXPECT_EQ(bench(0).counters.handed_out.value(), 8u);
  EXPECT_GT(bench(0).counters.handoff_kept.value(), 5u);
  EXPECT_EQ(count(Reason::handoff_full, 0), bench(0).counters.handoff_kept.value());
  turn();
}

TEST_F(FragmentsTest, AMissingPartIsATimeout) {  // SEC-03
  start();
  for (size_t missing = 0; missing < 3; ++missing) {
    std::vector<Bytes> parts = fragments_of(frame_of(new_invite(4000)), 1480, static_cast<uint32_t>(missing));
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(missing));
    EXPECT_TRUE(given(parts).empty());
    wait_for(Reason::reassembly_timeout, missing + 1);
  }
}

TEST_F(FragmentsTest, IllPartsHaveEachTheirReason) {  // SEC-03
  start();
  const Bytes whole = frame_of(new_invite(4000)), whole_v6 = frame_of(new_invite(4000), true);
  given({fragment_of(whole, 0, 1480, true, 1), fragment_of(whole, 1400, 2800, true, 1),
         fragment_of(whole, 1480, 2960, true, 1)});
  EXPECT_EQ(total(Reason::fragment_overlap), 2u);
  given({fragment_of(whole_v6, 0, 1448, true, 1), fragment_of(whole_v6, 1440, 2800, true, 1)});
  EXPECT_EQ(total(Reason::fragment_overlap), 3u);
  given({fragment_of(whole, 0, 24, true, 2), fragment_of(whole_v6, 0, 40, true, 2)});
  EXPECT_EQ(total(Reason::fragment_tiny), 2u);
  given({fragment_of(whole, 0, 1004, true, 3), fragment_of(whole, 1480, 2960, false, 4),
         fragment_of(whole, 2960, 4008, false, 4)});
  EXPECT_EQ(total(Reason::fragment_malformed), 2u);
  Bytes cut = fragment_of(whole, 0, 1480, true, 5);
  cut.resize(1000);
  given({cut});
  EXPECT_EQ(total(Reason::frame_truncated), 1u);
  std::vector<Bytes> many = fragments_of(frame_of(std::string(4000, 'x')), 48, 6);
  given(many);
  EXPECT_EQ(total(Reason::fragment_too_many), many.size() - 64);
  Bytes far = fragment_of(whole, 0, 1480, true, 7);
  const size_t ip = test::ip_at(far);
  test::put16(far, ip + 6, 0x2000 | 63'200 / 8);
  given({far});
  EXPECT_EQ(total(Reason::datagram_too_large), 1u);
  EXPECT_EQ(bench().counters.forwarded.value(), 0u);
}

TEST_F(FragmentsTest, PartsOfDifferentDatagramsAreToldByTheChecksum) {  // SEC-03
  start();
  const std::string text = new_invite(4000);
  const Bytes one = frame_of(text), other = frame_of(std::string(text.rbegin(), text.rend()));
  EXPECT_TRUE(given({fragment_of(one, 0, 1480, true, 1), fragment_of(other, 1480, one.size() - 34, false, 1)}).empty());
  EXPECT_EQ(total(Reason::udp_checksum_bad), 1u);
}

TEST_F(FragmentsTest, AFloodOfFirstPartsHarmsNobodyElse) {  // SEC-03
  start({.record_route = true, .core_mtu = 1500});
  const std::string filler(1500, 'f');
  size_t forwarded = 0;
  for (uint32_t round = 0; round < 40; ++round) {
    for (uint32_t i = 0; i < 40; ++i) {
      const uint32_t number = round * 40 + i;
      const Bytes frame =
          test::packet()
              .between("203." + std::to_string(number / 250) + ".113." + std::to_string(number % 250) + ":5060",
                       "192.0.2.10:5060")
              .payload(filler)
              .frame();
      inject(fragment_of(frame, 0, 1480, true, number));
    }
    const std::string whole = new_invite(1000), in_parts = new_invite(4000);
    for (const Bytes& part : fragments_of(frame_of(in_parts), 1480, round)) inject(part);
    inject(frame_of(whole));
    turn();
    forwarded += received().size();
  }
  EXPECT_EQ(forwarded, 80u) << "whole messages and those whose parts come together";
  const uint64_t lost = total(Reason::reassembly_full) + total(Reason::reassembly_source);
  EXPECT_GE(lost, 1600u - 64);
  wait_for(Reason::reassembly_timeout, 1600 - lost);
}

TEST_F(FragmentsTest, OthersFragmentsAreTheKernels) {
  start({.twin = true});
  const Bytes to_others_port =
      test::packet().between(caller_v4, "192.0.2.10:53").payload(std::string(3000, 'd')).frame();
  const Bytes to_others = test::packet().between(caller_v4, "192.0.2.11:5060").payload(std::string(3000, 'd')).frame();
  given({fragment_of(to_others_port, 0, 1480, true, 1), fragment_of(to_others, 0, 1480, true, 2),
         fragment_of(to_others, 1480, 3008, false, 2)});
  EXPECT_EQ(io().take_punted().size(), 3u);
  given({fragment_of(to_others_port, 1480, 3008, false, 1)});
  EXPECT_EQ(total(Reason::fragment_kept), 1u) << "a later part does not say for which port";
  wait_for(Reason::reassembly_timeout, 1);
}

TEST_F(FragmentsTest, WithoutBuffersWhatIsWholeIsDropped) {
  start({.record_route = true, .core_mtu = 1500}, 1, {.make_room = 0});
  EXPECT_TRUE(given(fragments_of(frame_of(new_invite(4000)), 1480, 1)).empty());
  EXPECT_EQ(total(Reason::no_buffer), 1u) << "nothing to put it together in";
  EXPECT_TRUE(given({frame_of(new_invite(1400))}).empty());
  EXPECT_EQ(total(Reason::no_buffer), 2u) << "nothing to cut it into";
}

TEST_F(FragmentsTest, AFullPortTakesADatagramWholeOrItIsLost) {
  start({.record_route = true, .core_mtu = 1500}, 1, {.transmit_room = 1});
  inject(frame_of(new_invite(1400)));
  turn();
  EXPECT_EQ(total(Reason::tx_full), 1u);
  EXPECT_EQ(bench().counters.forwarded.value(), 0u);
}

TEST_F(FragmentsTest, WhatWaitsWhenTheWorkersStopIsBooked) {
  start();
  given({fragment_of(frame_of(new_invite(4000)), 0, 1480, true, 1)});
  bench().worker->drain();
  EXPECT_EQ(total(Reason::shutdown), 1u);
}

TEST_F(FragmentsTest, WhereReassemblyIsOffFragmentsAreDropped) {
  reassembly_ = {};
  start();
  given(fragments_of(frame_of(new_invite(4000)), 1480, 1));
  EXPECT_EQ(total(Reason::fragment), 3u);
}

}  // namespace
}  // namespace viaduct::dataplane
