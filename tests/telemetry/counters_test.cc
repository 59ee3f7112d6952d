#include "telemetry/counters.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <random>
#include <thread>

namespace viaduct::telemetry {
namespace {

// What happens to one message at a worker, at random.
void live_through(WorkerCounters& worker, std::mt19937& random) {
  switch (random() % 8) {
    case 0: worker.generated.add(); break;
    case 1: worker.handed_in.add(); break;
    default: worker.received.add(); break;
  }
  switch (random() % 3) {
    case 0: worker.forwarded.add(); break;
    case 1: worker.handed_out.add(); break;
    default: worker.count(static_cast<Reason>(random() % reason_count)); break;
  }
}

TEST(Ledger, ClosesWhenEveryMessageIsCountedOnceAndOnlyThen) {
  std::mt19937 random(5);
  const auto worker = std::make_unique<WorkerCounters>();
  for (int i = 0; i < 10'000; ++i) {
    live_through(*worker, random);
    if (i % 100 == 0) {
      ASSERT_TRUE(ledger_of(*worker).closes()) << to_string(ledger_of(*worker));
    }
  }
  EXPECT_EQ(ledger_of(*worker).taken(), 10'000u);
  worker->received.add();
  EXPECT_FALSE(ledger_of(*worker).closes()) << "a message vanished and the ledger did not see it";
  worker->forwarded.add(2);
  EXPECT_FALSE(ledger_of(*worker).closes()) << "a message was counted twice and the ledger did not see it";
}

TEST(Ledger, BooksEveryReasonUnderItsTerm) {
  for (size_t i = 0; i < reason_count; ++i) {
    const auto worker = std::make_unique<WorkerCounters>();
    worker->count(static_cast<Reason>(i));
    const Ledger ledger = ledger_of(*worker);
    EXPECT_EQ(ledger.settled(), 1u);
    switch (reason_texts[i].term) {
      case LedgerTerm::dropped: EXPECT_EQ(ledger.dropped, 1u); break;
      case LedgerTerm::absorbed: EXPECT_EQ(ledger.absorbed, 1u); break;
      case LedgerTerm::replied: EXPECT_EQ(ledger.replied, 1u); break;
      case LedgerTerm::punted: EXPECT_EQ(ledger.punted, 1u); break;
    }
  }
}

TEST(Ledger, OfAllWorkersIsTheSumAndHandOffsCancelOut) {
  std::mt19937 random(6);
  const auto one = std::make_unique<WorkerCounters>();
  const auto two = std::make_unique<WorkerCounters>();
  for (int i = 0; i < 1000; ++i) {
    live_through(*one, random);
    live_through(*two, random);
  }
  const Ledger a = ledger_of(*one), b = ledger_of(*two);
  Ledger sum = a;
  sum += b;
  EXPECT_EQ(sum.received, a.received + b.received);
  EXPECT_EQ(sum.generated, a.generated + b.generated);
  EXPECT_EQ(sum.handed_in, a.handed_in + b.handed_in);
  EXPECT_EQ(sum.forwarded, a.forwarded + b.forwarded);
  EXPECT_EQ(sum.replied, a.replied + b.replied);
  EXPECT_EQ(sum.absorbed, a.absorbed + b.absorbed);
  EXPECT_EQ(sum.punted, a.punted + b.punted);
  EXPECT_EQ(sum.dropped, a.dropped + b.dropped);
  EXPECT_EQ(sum.handed_out, a.handed_out + b.handed_out);
  EXPECT_TRUE(sum.closes());
}

TEST(Ledger, IsOneSentenceThatSaysWhetherItCloses) {
  Ledger ledger;
  ledger.received = 12;
  ledger.generated = 1;
  ledger.forwarded = 10;
  ledger.replied = 2;
  ledger.dropped = 1;
  EXPECT_EQ(
      to_string(ledger),
      "12 received + 1 generated + 0 handed in = 10 forwarded + 2 replied + 0 absorbed + 0 punted + 1 dropped + 0 "
      "handed out");
  ledger.dropped = 0;
  EXPECT_NE(to_string(ledger).find("!="), std::string::npos);
}

TEST(Counter, IsReadWholeWhileItsWorkerCounts) {
  Counter counter;
  constexpr uint64_t step = 0x1'0000'0001;  // both halves of the word move together, or the reader sees it torn
  std::atomic<bool> done = false;
  std::jthread worker([&] {
    for (int i = 0; i < 5'000'000; ++i) counter.add(step);
    done = true;
  });
  uint64_t before = 0;
  while (!done) {
    const uint64_t now = counter.value();
    ASSERT_EQ(now >> 32, now & 0xffffffff);
    ASSERT_GE(now, before);
    before = now;
  }
  worker.join();
  EXPECT_EQ(counter.value(), step * 5'000'000);
}

}  // namespace
}  // namespace viaduct::telemetry
