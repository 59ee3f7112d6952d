// What captures get of what passes.
#include "dataplane/tap.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "capture/pcapng_writer.h"
#include "dataplane/fixture.h"
#include "support/fragments.h"

namespace viaduct::dataplane {
namespace {

using capture::Direction;
using capture::Verdict;
using telemetry::Reason;

const test::Call call;
const std::string invite = test::invite_of(call, 1100);

struct Copy {
  capture::RecordHead head;
  std::string pool, backend, rule, frame, whole, comment;
};

class TapTest : public WorkersTest {
 protected:
  void listen(const std::string& filter = "", uint32_t sample = 1, bool drops = false) {
    std::vector<capture::Tapping> all;
    if (view_.taps) all = view_.taps->all();
    auto parsed = capture::Filter::parse(filter);
    ASSERT_TRUE(parsed) << parsed.error();
    all.push_back({.filter = std::move(*parsed),
                   .sample = sample,
                   .drops_only = drops,
                   .slot = static_cast<uint8_t>(all.size())});
    view_.taps = std::make_shared<const capture::Taps>(std::move(all));
  }

  std::vector<Copy> copies(size_t worker = 0) {
    std::vector<Copy> all;
    core::RecordRing& ring = bench(worker).tap.ring;
    for (core::ByteView bytes = ring.front(); !bytes.empty(); ring.pop(), bytes = ring.front()) {
      const capture::Record record = capture::read_record(bytes);
      all.push_back({record.head, std::string(record.names.pool), std::string(record.names.backend),
                     std::string(record.names.rule), std::string(core::text_of(record.frame)),
                     capture::whole_frame(record), capture::comment_of(record)});
    }
    return all;
  }

  static test::Bytes from_caller(std::string_view text = invite) {
    return test::from_outside("198.51.100.7:5060", text);
  }
  static std::string text_of(const test::Bytes& frame) { return std::string(core::text_of(frame)); }
};

TEST_F(TapTest, CopiesAMessageAsItCameAndAsItLeft) {
  start();
  listen();
  const test::Bytes frame = from_caller();
  const std::string came = text_of(frame);
  const auto sent = through(frame);
  ASSERT_EQ(sent.size(), 1u);
  const auto seen = copies();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].head.direction, Direction::in);
  EXPECT_EQ(seen[0].frame, came);
  EXPECT_EQ(seen[0].head.source, test::endpoint("198.51.100.7:5060"));
  EXPECT_EQ(seen[0].head.destination, test::endpoint("192.0.2.10:5060"));
  EXPECT_EQ(seen[0].head.port, 0u);
  EXPECT_EQ(seen[1].head.direction, Direction::out);
  EXPECT_EQ(seen[1].frame, text_of(sent[0].bytes));
  EXPECT_EQ(seen[1].head.source, test::endpoint("10.0.0.1:5060"));
  EXPECT_EQ(seen[1].head.port, 1u);
  for (const Copy& copy : seen) {
    EXPECT_EQ(copy.head.verdict, Verdict::forward);
    EXPECT_EQ(copy.pool, "proxies");
    EXPECT_EQ(copy.comment, "verdict=forward backend=proxies/" + copy.backend + " worker=0");
    const auto payload = copy.frame.substr(copy.head.payload, copy.head.payload_bytes);
    EXPECT_TRUE(payload.starts_with("INVITE ")) << payload;
    EXPECT_TRUE(payload.ends_with("\r\n") || payload.size() > 1000);
  }
  EXPECT_EQ(bench().tap.copied.value(), 2u);
}

TEST_F(TapTest, NobodyListensNothingIsCopied) {
  start();
  through(from_caller());
  EXPECT_TRUE(copies().empty());
  listen("method=BYE");
  through(from_caller());
  EXPECT_TRUE(copies().empty());
}

TEST_F(TapTest, SaysWhyAMessageEnded) {
  start();
  listen();
  through(from_caller("\r\n\r\n"));
  through(test::from_outside("127.0.0.1:5060", invite));
  auto seen = copies();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].comment, "verdict=absorb reason=keepalive worker=0");
  EXPECT_EQ(seen[1].comment, "verdict=drop reason=source_invalid worker=0");

  test::Bytes cut = from_caller();
  cut.pop_back();
  through(cut);
  seen = copies();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].comment, "verdict=drop reason=frame_truncated worker=0");
  EXPECT_EQ(seen[0].frame, text_of(cut));
}

TEST_F(TapTest, CopiesOurAnswers) {
  start();
  listen();
  std::string spent = invite;
  spent.replace(spent.find("Max-Forwards: 70"), 16, "Max-Forwards: 0 ");
  const auto sent = through(from_caller(spent));
  ASSERT_EQ(sent.size(), 1u);
  const auto seen = copies();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[1].frame, text_of(sent[0].bytes));
  EXPECT_EQ(seen[1].comment, "verdict=reply reason=too_many_hops status=483 worker=0");
  EXPECT_EQ(seen[0].head.status, 483u);
}

TEST_F(TapTest, WhatCannotLeaveIsADrop) {
  start({}, 1, {.room = {.head = 20, .tail = 0}});
  listen("reason=no_headroom");
  listen("verdict=forward");
  through(from_caller());
  const auto seen = copies();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].head.wanted_by, 1u);
  EXPECT_TRUE(seen[0].comment.starts_with("verdict=drop reason=no_headroom backend=proxies/p")) << seen[0].comment;
}

TEST_F(TapTest, WhatWaitsForALinkAddressSaysSo) {
  start({.neighbors_known = false});
  listen("reason=no_neighbor");
  through(from_caller());
  const auto seen = copies();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_TRUE(seen[0].comment.starts_with("verdict=forward reason=no_neighbor backend=proxies/p")) << seen[0].comment;
  bench().worker->release_waiting();
}

TEST_F(TapTest, EachOfManyGetsWhatItWants) {
  start();
  listen("method=INVITE");
  listen("", 1, true);
  listen("kind=response or verdict=drop");
  through(from_caller());
  through(test::from_outside("127.0.0.1:5060", invite));
  const auto seen = copies();
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].head.wanted_by, 0b001u);
  EXPECT_EQ(seen[1].head.wanted_by, 0b001u);
  EXPECT_EQ(seen[2].head.wanted_by, 0b110u);
}

TEST_F(TapTest, ASampleHoldsWholeCalls) {
  start();
  listen("", 4);
  std::set<std::string> sampled;
  for (int i = 0; i < 200; ++i) {
    const std::string id = "call" + std::to_string(i);
    test::Call one;
    one.call_id = one.branch = id;
    const auto sent = through(from_caller(test::invite_of(one, 600)));
    ASSERT_EQ(sent.size(), 1u);
    const size_t count = copies().size();
    EXPECT_TRUE(count == 0 || count == 2) << count;
    EXPECT_EQ(count != 0, view_.taps->sampled(capture::sampling_hash(id))) << id;
    if (count != 0) sampled.insert(id);
  }
  EXPECT_GT(sampled.size(), 25u);
  EXPECT_LT(sampled.size(), 80u);
  through(from_caller("\r\n\r\n"));
  EXPECT_TRUE(copies().empty()) << "what has no Call-ID belongs to no call";
}

TEST_F(TapTest, AFullRingCostsCopiesAndNoMessages) {
  start();
  listen();
  const size_t bytes = from_caller().size();
  const size_t rounds = 2 * Tap::ring_bytes / bytes / 2;
  for (size_t i = 0; i < rounds; ++i) ASSERT_EQ(through(from_caller()).size(), 1u);
  EXPECT_GT(bench().tap.lost.value(), 0u);
  EXPECT_EQ(bench().tap.copied.value() + bench().tap.lost.value(), 2 * rounds);
  EXPECT_EQ(bench().counters.forwarded.value(), rounds);
  EXPECT_EQ(copies().size(), bench().tap.copied.value());
}

TEST_F(TapTest, RestsWhileTheWorkerIsFlooded) {
  start();
  listen();
  bench().counters.flooded.set(1);
  through(from_caller());
  EXPECT_TRUE(copies().empty());
  EXPECT_EQ(bench().tap.skipped.value(), 1u);
  bench().counters.flooded.set(0);
  through(from_caller());
  EXPECT_EQ(copies().size(), 2u);
}

TEST_F(TapTest, WritesTheChecksumsThatAPortWould) {
  start({.udp_offload = true, .ipv4_offload = true});
  listen();
  const auto sent = through(from_caller());
  ASSERT_EQ(sent.size(), 1u);
  const auto offloaded = copies();
  ASSERT_EQ(offloaded.size(), 2u);

  start();
  view_.taps = nullptr;
  injected_ = 0;
  const auto full = through(from_caller());
  ASSERT_EQ(full.size(), 1u);
  EXPECT_NE(offloaded[1].frame, text_of(full[0].bytes));
  EXPECT_EQ(offloaded[1].whole, text_of(full[0].bytes));
}

TEST_F(TapTest, CopiesWholeDatagramsOfFragments) {
  reassembly_ = {.entries = 16};
  start();
  listen();
  const std::string large = test::invite_of(call, 4000);
  const test::Bytes whole = from_caller(large);
  for (const test::Bytes& part : test::fragments_of(whole, 1480, 7)) inject(part);
  turn();
  const auto seen = copies();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].head.payload_bytes, large.size());
  EXPECT_EQ(seen[0].frame.substr(seen[0].head.payload), large);
  EXPECT_GT(seen[1].head.payload_bytes, large.size());
}

TEST_F(TapTest, EachWorkerCopiesWhatItDecides) {
  start({}, 2);
  listen();
  for (int i = 0; i < 20; ++i) {
    const std::string id = "call" + std::to_string(i);
    test::Call one;
    one.call_id = one.branch = id;
    inject(from_caller(test::invite_of(one, 600)));
  }
  turn();
  const size_t first = copies(0).size(), second = copies(1).size();
  EXPECT_EQ(first + second, 40u);
  EXPECT_GT(first, 0u);
  EXPECT_GT(second, 0u);
}

}  // namespace
}  // namespace viaduct::dataplane
