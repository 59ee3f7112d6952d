#include "core/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace viaduct::core {
namespace {

Result<std::unique_ptr<int>> half_of(int number) {
  if (number % 2 != 0) return Error{std::to_string(number) + " is odd; an even number would be halved"};
  return std::make_unique<int>(number / 2);
}

TEST(Result, HoldsAValueThatCanBeMovedOut) {
  Result<std::unique_ptr<int>> half = half_of(10);
  ASSERT_TRUE(half);
  EXPECT_EQ(**half, 5);
  const std::unique_ptr<int> mine = *std::move(half);
  EXPECT_EQ(*mine, 5);
}

TEST(Result, HoldsTheSentenceThatSaysWhyNot) {
  const Result<std::unique_ptr<int>> half = half_of(7);
  ASSERT_FALSE(half);
  EXPECT_EQ(half.error(), "7 is odd; an even number would be halved");
}

TEST(Result, TellsAStringFromAnError) {
  const Result<std::string> text = std::string("fine");
  ASSERT_TRUE(text);
  EXPECT_EQ(text->size(), 4u);
  const Result<std::string> none = Error{"not fine"};
  EXPECT_FALSE(none);
}

TEST(Status, IsSuccessOrASentence) {
  const Status good = Done{};
  const Status bad = Error{"no"};
  EXPECT_TRUE(good);
  EXPECT_FALSE(bad);
  EXPECT_EQ(bad.error(), "no");
}

}  // namespace
}  // namespace viaduct::core
