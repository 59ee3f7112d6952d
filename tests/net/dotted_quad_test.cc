// Against a reader that goes digit by digit.
#include "net/dotted_quad.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <string>

#include "support/guarded_buffer.h"

namespace viaduct::net {
namespace {

std::optional<uint32_t> read(std::string_view text) {
  test::GuardedBuffer buffer(text);
  uint32_t four = 0;
  return read_dotted_quad(buffer.bytes(), four) ? std::optional(four) : std::nullopt;
}

std::optional<uint32_t> read_plainly(std::string_view text) {
  uint32_t four = 0;
  size_t at = 0;
  for (unsigned part = 0; part < 4; ++part) {
    if (part != 0 && (at == text.size() || text[at++] != '.')) return std::nullopt;
    unsigned number = 0;
    size_t digits = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, ++digits) {
      number = number * 10 + static_cast<unsigned>(text[at] - '0');
      if (digits == 3) return std::nullopt;
    }
    if (digits == 0 || number > 255) return std::nullopt;
    four |= number << 8 * part;
  }
  return at == text.size() ? std::optional(four) : std::nullopt;
}

std::string text_of(std::mt19937& random, unsigned shape) {
  std::string text;
  for (unsigned part = 0; part < 4; ++part, shape /= 3) {
    if (part != 0) text += '.';
    for (unsigned digit = 0; digit <= shape % 3; ++digit) text += static_cast<char>('0' + random() % 10);
  }
  return text;
}

TEST(DottedQuad, ReadsEveryShape) {
  std::mt19937 random(3);
  unsigned addresses = 0;
  for (unsigned round = 0; round < 200; ++round) {
    for (unsigned shape = 0; shape < 81; ++shape) {
      const std::string text = text_of(random, shape);
      ASSERT_EQ(read(text), read_plainly(text)) << text;
      addresses += read(text).has_value();
    }
  }
  EXPECT_GT(addresses, 2000u);
  EXPECT_EQ(read("0.0.0.0"), 0u);
  EXPECT_EQ(read("255.255.255.255"), 0xffffffffu);
  EXPECT_EQ(read("001.002.003.004"), 0x04030201u);
}

TEST(DottedQuad, RefusesWhatIsNearlyOne) {
  std::mt19937 random(4);
  constexpr std::string_view letters{"0123456789....:/ \0\xb2", 19};
  for (unsigned round = 0; round < 30'000; ++round) {
    std::string text = text_of(random, random() % 81);
    for (unsigned changes = 1 + random() % 2; changes != 0; --changes) {
      const size_t at = random() % text.size();
      const char letter = letters[random() % letters.size()];
      switch (random() % 3) {
        case 0: text[at] = letter; break;
        case 1: text.insert(at, 1, letter); break;
        default: text.erase(at, 1);
      }
    }
    ASSERT_EQ(read(text), read_plainly(text)) << text;
  }
  for (const char* text : {"", "1.2.3", "1.2.3.4.", ".1.2.3.4", "1..2.3", "1.2.3.4.5", "256.1.1.1", "1.1.1.256",
                           "999.999.999.999", "1.2.3.0004", "123456789", "1.2.3.4 "}) {
    EXPECT_FALSE(read(text)) << text;
  }
}

}  // namespace
}  // namespace viaduct::net
