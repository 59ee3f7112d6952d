#include "proxy/transactions.h"

#include <gtest/gtest.h>

#include <random>

namespace viaduct::proxy {
namespace {

TEST(Transactions, KnowsWhatItRememberedAndNobodyElse) {
  Transactions transactions;
  std::mt19937_64 random(1);
  std::vector<uint64_t> mine, strangers;
  for (int i = 0; i < 50'000; ++i) {
    mine.push_back(random());
    strangers.push_back(random());
  }
  for (const uint64_t branch : mine) transactions.remember(branch);
  for (const uint64_t branch : mine) ASSERT_TRUE(transactions.knows(branch));
  for (const uint64_t branch : strangers) ASSERT_FALSE(transactions.knows(branch));
}

TEST(Transactions, RetransmissionsPushNobodyOut) {
  Transactions transactions;
  const auto on_one_line = [](uint64_t i) { return (i + 1) << 33 | 5; };
  for (uint64_t i = 0; i < 16; ++i) transactions.remember(on_one_line(i));
  for (int copy = 0; copy < 100; ++copy) transactions.remember(on_one_line(15));
  for (uint64_t i = 0; i < 16; ++i) EXPECT_TRUE(transactions.knows(on_one_line(i))) << i;
}

TEST(Transactions, TheOldestOfAFullLineGoesFirst) {
  Transactions transactions;
  const auto on_one_line = [](uint64_t i) { return (i + 1) << 33 | 5; };
  for (uint64_t i = 0; i < 20; ++i) transactions.remember(on_one_line(i));
  // The last few are written down when others come.
  for (uint64_t i = 0; i < 64; ++i) transactions.remember((i + 1) << 33 | 6);
  for (uint64_t i = 0; i < 20; ++i) EXPECT_EQ(transactions.knows(on_one_line(i)), i >= 4) << i;
}

// 20,000 calls a second that ring for ten seconds each: nearly all are remembered until they are answered.
TEST(Transactions, AQuarterOfAMillionFit) {
  Transactions transactions;
  std::mt19937_64 random(2);
  std::vector<uint64_t> branches(200'000);
  for (uint64_t& branch : branches) transactions.remember(branch = random());
  size_t known = 0;
  for (const uint64_t branch : branches) known += transactions.knows(branch);
  EXPECT_GT(known, branches.size() * 97 / 100);
}

}  // namespace
}  // namespace viaduct::proxy
