#include "core/number.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace viaduct::core {
namespace {

TEST(WholeNumber, IsTheWholeText) {
  EXPECT_EQ(whole_number<uint32_t>("0"), 0u);
  EXPECT_EQ(whole_number<uint32_t>("0042"), 42u);
  for (const std::string_view text : {"", " ", " 1", "1 ", "1x", "x", "+1", "1.0", "0x1"}) {
    EXPECT_EQ(whole_number<uint32_t>(text), std::nullopt) << '"' << text << '"';
  }
  EXPECT_EQ(whole_number<uint32_t>(std::string_view("12345").substr(1, 2)), 23u);
}

TEST(WholeNumber, IsOneThatTheTypeHolds) {
  EXPECT_EQ(whole_number<uint8_t>("255"), 255);
  EXPECT_EQ(whole_number<uint8_t>("256"), std::nullopt);
  EXPECT_EQ(whole_number<uint64_t>("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(whole_number<uint64_t>("18446744073709551616"), std::nullopt);
  EXPECT_EQ(whole_number<uint64_t>("-1"), std::nullopt);
  EXPECT_EQ(whole_number<int64_t>("-1"), -1);
}

TEST(WholeNumber, HasABase) {
  EXPECT_EQ(whole_number<uint32_t>("0660", 8), 0660u);
  EXPECT_EQ(whole_number<uint32_t>("0680", 8), std::nullopt);
  EXPECT_EQ(whole_number<uint64_t>("fF", 16), 255u);
}

}  // namespace
}  // namespace viaduct::core
