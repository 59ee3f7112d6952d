#include "policy/matchers.h"

#include <gtest/gtest.h>

#include <thread>

namespace viaduct::policy {
namespace {

std::shared_ptr<const Matcher> got(Matchers& matchers, const std::vector<FieldPattern>& patterns) {
  auto compiled = matchers.get(patterns);
  const auto* const matcher = std::get_if<std::shared_ptr<const Matcher>>(&compiled);
  return matcher != nullptr ? *matcher : nullptr;
}

TEST(Matchers, TheSamePatternsAreCompiledOnce) {
  Matchers matchers;
  const std::vector<FieldPattern> patterns{{0, "sip(vicious|cli)"}, {3, "^friendly"}};
  const auto first = got(matchers, patterns);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(got(matchers, patterns), first) << "by another listener";
  matchers.end_round();
  EXPECT_EQ(got(matchers, patterns), first) << "by the next round";
}

TEST(Matchers, WhatDiffersInAnythingIsAnother) {
  Matchers matchers;
  const auto first = got(matchers, {{0, "a"}, {1, "b"}});
  for (const std::vector<FieldPattern>& other : {std::vector<FieldPattern>{{0, "a"}, {1, "c"}},
                                                 {{0, "a"}, {2, "b"}},
                                                 {{1, "b"}, {0, "a"}},
                                                 {{0, "a"}},
                                                 {{0, "a"}, {1, "b"}, {1, "c"}}}) {
    EXPECT_NE(got(matchers, other), first);
  }
}

TEST(Matchers, WhatNobodyAsksForIsForgottenAfterARoundUnlessSomebodyHasIt) {
  Matchers matchers;
  std::shared_ptr<const Matcher> in_use = got(matchers, {{0, "used"}});
  const std::weak_ptr<const Matcher> unused = got(matchers, {{0, "unused"}});
  matchers.end_round();
  matchers.end_round();
  EXPECT_FALSE(unused.expired()) << "asked for in the round before";
  matchers.end_round();
  EXPECT_TRUE(unused.expired());
  EXPECT_EQ(got(matchers, {{0, "used"}}), in_use) << "rounds later";
  const std::weak_ptr<const Matcher> used = in_use;
  for (int round = 0; round < 4; ++round) matchers.end_round();
  EXPECT_FALSE(used.expired());
  in_use.reset();
  matchers.end_round();
  EXPECT_TRUE(used.expired());
}

TEST(Matchers, ProblemsAreToldEachTime) {
  Matchers matchers;
  for (int time = 0; time < 2; ++time) {
    const auto compiled = matchers.get({{0, "fine"}, {0, "(unclosed"}});
    const auto* const problems = std::get_if<std::vector<PatternProblem>>(&compiled);
    ASSERT_NE(problems, nullptr);
    ASSERT_EQ(problems->size(), 1u);
    EXPECT_EQ(problems->front().pattern, 1u);
  }
}

TEST(Matchers, MayBeAskedFromSeveralThreads) {
  Matchers matchers;
  std::vector<std::shared_ptr<const Matcher>> results(4);
  {
    std::vector<std::jthread> threads;
    for (auto& result : results) threads.emplace_back([&] { result = got(matchers, {{0, "one"}, {1, "two"}}); });
  }
  for (const auto& result : results) EXPECT_EQ(result, results.front());
  EXPECT_NE(results.front(), nullptr);
}

}  // namespace
}  // namespace viaduct::policy
