#include "net/fragment_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "support/fragments.h"

namespace viaduct::net {
namespace {

using namespace std::chrono_literals;
using Result = FragmentTable::Result;
using test::Bytes;
using test::fragment_of;
using test::fragments_of;

Bytes datagram(bool v6, size_t bytes, char first = 'a', unsigned host = 7) {
  std::string text(bytes, ' ');
  for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(first + i * 7 % 23);
  const std::string number = std::to_string(host % 250), net = std::to_string(host / 250);
  return test::packet()
      .vlan(100)
      .between(v6 ? "[2001:db8:2:" + net + "::" + number + "]:5060" : "198." + net + ".100." + number + ":5060",
               v6 ? "[2001:db8::10]:5060" : "192.0.2.10:5060")
      .payload(text)
      .traffic_class(0xb8)
      .frame();
}

class Fragments : public testing::Test {
 protected:
  explicit Fragments(uint32_t entries = 64) : table({.entries = entries, .timeout = 2s}) {}

  FragmentTable::Added give(const Bytes& frame) {
    FrameView view;
    EXPECT_EQ(parse_frame(frame, view), FrameError::fragment);
    Fragment fragment;
    EXPECT_EQ(read_fragment(frame, view, fragment), FragmentFault::none);
    const uint64_t source = std::hash<std::string>()(to_string(fragment.source));
    return table.add(fragment, frame, source * 31 + fragment.identification, source, now);
  }
  Result result_of(const Bytes& frame) { return give(frame).result; }

  // Gives them all and collects what becomes whole.
  std::vector<Bytes> whole_of(const std::vector<Bytes>& frames) {
    std::vector<Bytes> whole;
    for (const Bytes& frame : frames) {
      const FragmentTable::Added added = give(frame);
      if (added.result != Result::complete) continue;
      Bytes& out = whole.emplace_back(table.frame_bytes(added.entry));
      table.write_frame(added.entry, out.data());
      table.settle(added.entry, now);
    }
    return whole;
  }
  void later(std::chrono::nanoseconds time) { table.expire(now += time); }

  FragmentTable table;
  core::Instant now{1h};
};

TEST_F(Fragments, ThreePartsInAllOrders) {  // LBG-19
  for (const bool v6 : {false, true}) {
    const Bytes frame = datagram(v6, 4000);
    std::vector<Bytes> parts = fragments_of(frame, 1480, 0x1234);
    ASSERT_EQ(parts.size(), 3u);
    std::array<size_t, 3> order{0, 1, 2};
    do {
      EXPECT_EQ(whole_of({parts[order[0]], parts[order[1]], parts[order[2]]}), std::vector<Bytes>{frame});
    } while (std::next_permutation(order.begin(), order.end()));
  }
  EXPECT_EQ(table.waiting(), 0u);
  EXPECT_EQ(table.blocks_free(), table.blocks());
  later(3s);
  EXPECT_TRUE(table.empty());
  EXPECT_EQ(table.take_losses().total(), 0u);
}

TEST_F(Fragments, ManyPartsInAnyOrderWithDuplicates) {  // LBG-19
  std::mt19937 random(1);
  for (int round = 0; round < 100; ++round) {
    const bool v6 = random() % 2;
    const Bytes frame = datagram(v6, 1000 + random() % 60'000);
    const size_t step = std::max<size_t>((400 + random() % 9000) / 8 * 8, (frame.size() / 60 + 8) / 8 * 8);
    std::vector<Bytes> parts = fragments_of(frame, step, v6 ? static_cast<uint32_t>(random()) : 0x1234);
    if (parts.size() < 3) continue;  // the repetitions might be a datagram
    std::shuffle(parts.begin(), parts.end(), random);
    std::vector<Bytes> given;
    for (const Bytes& part : parts) {  // each may come again right after, and again later
      given.push_back(part);
      if (random() % 3 == 0) given.push_back(part);
      if (random() % 3 == 0) given.push_back(given[random() % given.size()]);
    }
    const std::vector<Bytes> whole = whole_of(given);
    ASSERT_EQ(whole.size(), 1u) << round;
    EXPECT_EQ(whole[0], frame) << round;
    later(3s);
  }
  EXPECT_EQ(table.take_losses().total(), 0u) << "what came late was a repetition";
  EXPECT_EQ(table.blocks_free(), table.blocks());
}

TEST_F(Fragments, ADatagramThatIsRepeatedAsAWholeIsTwo) {  // LBG-24
  const Bytes frame = datagram(false, 3000);
  std::vector<Bytes> parts = fragments_of(frame, 1480, 1), twice = parts;
  twice.insert(twice.end(), parts.begin(), parts.end());
  EXPECT_EQ(whole_of(twice).size(), 2u);
}

TEST_F(Fragments, AMissingPartTimesOut) {  // SEC-03
  for (size_t missing = 0; missing < 3; ++missing) {
    std::vector<Bytes> parts = fragments_of(datagram(true, 4000), 1480, static_cast<uint32_t>(missing));
    const Bytes late = parts[missing];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(missing));
    EXPECT_TRUE(whole_of(parts).empty());
    EXPECT_EQ(table.waiting(), 1u);
    later(1999ms);
    EXPECT_EQ(table.waiting(), 1u);
    later(1ms);
    EXPECT_EQ(table.take_losses().timeout, 1u);
    EXPECT_TRUE(table.empty());
    EXPECT_EQ(table.blocks_free(), table.blocks());
    EXPECT_TRUE(whole_of({late}).empty());
    later(2s);
    EXPECT_EQ(table.take_losses().timeout, 1u);
  }
}

TEST_F(Fragments, OverlapsEndTheDatagram) {  // SEC-03
  struct Row {
    std::string what;
    size_t begin, end;
    bool more;
  };
  const std::vector<Row> rows = {
      {"within another", 800, 1200, true},           {"over its end", 1400, 1600, true},
      {"over its beginning", 400, 880, true},        {"all around it", 0, 2960, true},
      {"the same beginning, shorter", 0, 800, true}, {"the last over another", 1472, 4008, false},
  };
  for (const bool v6 : {false, true}) {
    uint32_t id = 0;
    for (const Row& row : rows) {
      SCOPED_TRACE(row.what);
      const Bytes frame = datagram(v6, 4000);
      ++id;
      EXPECT_EQ(result_of(fragment_of(frame, 0, 1480, true, id)), Result::kept);
      EXPECT_EQ(result_of(fragment_of(frame, row.begin, row.end, row.more, id)), Result::overlap);
      EXPECT_EQ(result_of(fragment_of(frame, 1480, 2960, true, id)), Result::overlap) << "RFC 5722: the rest too";
      EXPECT_EQ(result_of(fragment_of(frame, 2960, 4008, false, id)), Result::overlap);
      EXPECT_EQ(table.blocks_free(), table.blocks()) << "nothing is kept of it";
    }
  }
  EXPECT_EQ(table.waiting(), 0u);
  later(2s);
  EXPECT_TRUE(table.empty()) << "forgotten";
}

TEST_F(Fragments, PartsThatContradictEachOther) {  // SEC-03
  const Bytes frame = datagram(false, 4000);
  EXPECT_EQ(result_of(fragment_of(frame, 1480, 2960, false, 1)), Result::kept);
  EXPECT_EQ(result_of(fragment_of(frame, 2960, 4008, false, 1)), Result::impossible) << "two ends";
  EXPECT_EQ(result_of(fragment_of(frame, 2960, 4008, false, 2)), Result::kept);
  EXPECT_EQ(result_of(fragment_of(frame, 1480, 2960, false, 2)), Result::impossible) << "the other way round";
  EXPECT_EQ(result_of(fragment_of(frame, 1480, 2960, false, 3)), Result::kept);
  EXPECT_EQ(result_of(fragment_of(frame, 2960, 3960, true, 3)), Result::impossible) << "beyond the end";
  EXPECT_EQ(result_of(fragment_of(frame, 2960, 3960, true, 4)), Result::kept);
  EXPECT_EQ(result_of(fragment_of(frame, 1480, 2960, false, 4)), Result::impossible) << "an end before another part";
}

TEST_F(Fragments, TooManyPartsAndTooLargeDatagrams) {  // SEC-03
  const Bytes frame = datagram(false, 60'000);
  std::vector<Bytes> parts = fragments_of(frame, 800, 1);
  ASSERT_GT(parts.size(), FragmentTable::pieces_max);
  for (size_t i = 0; i < FragmentTable::pieces_max; ++i) EXPECT_EQ(result_of(parts[i]), Result::kept);
  EXPECT_EQ(result_of(parts[FragmentTable::pieces_max]), Result::too_many);
  EXPECT_EQ(table.blocks_free(), table.blocks());

  Bytes far = fragment_of(frame, 0, 1480, true, 2);
  test::put16(far, test::ip_at(far) + 6, 0x2000 | 64'000 / 8);
  EXPECT_EQ(result_of(far), Result::too_large);
}

TEST_F(Fragments, AFloodOfFirstPartsIsBoundedAndPushesOutItsOldest) {  // SEC-03
  const Bytes good = datagram(false, 4000, 'A', 9999);
  const std::vector<Bytes> parts = fragments_of(good, 1480, 77);
  std::mt19937 random(2);
  size_t whole = 0;
  for (uint32_t i = 0; i < 4'000; ++i) {
    result_of(fragment_of(datagram(i % 2, 1500, 'a', i % 2000), 0, 1480, true, i));
    EXPECT_LE(table.waiting(), 64u);
    if (i % 100 == 0) whole += whole_of(parts).size();
  }
  EXPECT_EQ(whole, 40u) << "who sends all parts is served";
  const FragmentTable::Losses losses = table.take_losses();
  EXPECT_EQ(losses.total() + table.waiting(), 4'000u) << "each is booked once";
  EXPECT_EQ(losses.timeout, 0u);
  later(2s);
  EXPECT_EQ(table.take_losses().timeout, losses.total() == 0 ? 0 : 4'000 - losses.total());
  EXPECT_EQ(table.blocks_free(), table.blocks());
}

TEST_F(Fragments, OneSourceHasItsShareOnly) {  // SEC-03
  const std::vector<Bytes> parts = fragments_of(datagram(false, 4000, 'A', 1234), 1480, 77);
  EXPECT_EQ(result_of(parts[0]), Result::kept);
  for (uint32_t i = 0; i < 1000; ++i) result_of(fragment_of(datagram(false, 1500), 0, 1480, true, i));
  EXPECT_EQ(table.waiting(), 9u) << "an eighth, and the other's";
  EXPECT_EQ(result_of(parts[1]), Result::kept);
  EXPECT_EQ(result_of(parts[2]), Result::complete) << "the other is not pushed out";
  EXPECT_EQ(table.take_losses().source_share, 992u);
}

class ManyFragments : public Fragments {
 protected:
  ManyFragments() : Fragments(512) {}
};

// Each part far from the others needs a block of its own, so that few datagrams of few octets could hold all memory.
TEST_F(ManyFragments, OneSourceHasItsShareOfTheMemoryOnly) {  // SEC-03
  const std::vector<Bytes> parts = fragments_of(datagram(false, 4000, 'A', 1234), 1480, 77);
  EXPECT_EQ(result_of(parts[0]), Result::kept);
  for (uint32_t i = 0; i < 60; ++i) {
    const Bytes frame = datagram(false, 63'000);
    for (uint32_t block = 1; block < 30; ++block)
      result_of(fragment_of(frame, block * 2048, block * 2048 + fragment_bytes_min, true, i));
  }
  EXPECT_GE(table.blocks_free(), table.blocks() / 8 * 7 - 2);
  EXPECT_EQ(result_of(parts[1]), Result::kept);
  EXPECT_EQ(result_of(parts[2]), Result::complete) << "the other is not pushed out";
  EXPECT_EQ(table.take_losses().crowded, 0u);
}

TEST_F(Fragments, LargePartsPushOutTheOldestWhenMemoryIsShort) {  // SEC-03
  size_t kept = 0;
  for (uint32_t i = 0; i < 64; ++i) {
    // Some 64 KiB each less a byte: two of them fill what 64 entries have.
    const Bytes frame = datagram(false, 60'000, 'a', i);
    for (const Bytes& part : fragments_of(frame, 8000, i)) {
      if (part == fragments_of(frame, 8000, i).back()) continue;
      kept += result_of(part) == Result::kept;
    }
  }
  EXPECT_EQ(kept, 64u * 7);
  EXPECT_LE(table.waiting(), 5u);
  EXPECT_EQ(table.take_losses().total() + table.waiting(), 64u);
}

TEST_F(Fragments, TheLinkHeaderAndTheClassAreThoseOfTheFirstPart) {
  const Bytes frame = datagram(true, 3000);
  std::vector<Bytes> parts = fragments_of(frame, 1480, 5);
  parts[1][15] = 0xff;  // another VLAN
  parts[2][15] = 0xff;
  EXPECT_EQ(whole_of({parts[2], parts[0], parts[1]}), std::vector<Bytes>{frame});
}

TEST_F(Fragments, ClearingSaysHowManyWereWaiting) {
  for (uint32_t i = 0; i < 5; ++i) result_of(fragment_of(datagram(false, 1500), 0, 1480, true, i));
  EXPECT_EQ(table.clear(), 5u);
  EXPECT_TRUE(table.empty());
  EXPECT_EQ(table.blocks_free(), table.blocks());
}

}  // namespace
}  // namespace viaduct::net
