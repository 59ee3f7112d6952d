// Numbers that are written and read eight digits at a time, against one digit at a time.
#include <gtest/gtest.h>

#include <charconv>
#include <cstring>
#include <memory>
#include <random>
#include <string>

#include "proxy/base32.h"
#include "proxy/digits.h"
#include "proxy/edits.h"
#include "proxy/via_mac.h"

namespace viaduct::test {
namespace {

std::string base32_digit_by_digit(uint64_t value, unsigned digits) {
  std::string text(digits, ' ');
  for (unsigned i = digits; i-- > 0; value >>= 5) text[i] = "abcdefghijklmnopqrstuvwxyz234567"[value & 31];
  return text;
}

void write_twice_ten(uint64_t first, uint64_t second, char* out) {
  char text[32];
  proxy::Octets sixteen, four;
  proxy::twice_ten(first, second, sixteen, four);
  proxy::store_octets(sixteen, text);
  proxy::store_octets(four, text + 16);
  std::memcpy(out, text, 20);
}

TEST(ByWords, Base32IsWhatItIsDigitByDigit) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 20000; ++round) {
    const uint64_t value = random() >> random() % 64, other = random();
    for (unsigned digits = 1; digits <= 13; ++digits) {
      std::string text(digits, ' ');
      proxy::base32_number(value, digits, text.data());
      ASSERT_EQ(text, base32_digit_by_digit(value, digits));
    }
    std::string twice(20, ' ');
    write_twice_ten(value, other, twice.data());
    ASSERT_EQ(twice, base32_digit_by_digit(value, 10) + base32_digit_by_digit(other, 10));
  }
}

TEST(ByWords, HexIsWhatItIsDigitByDigit) {
  std::mt19937_64 random(6);
  for (int round = 0; round < 20000; ++round) {
    const uint64_t value = random() >> random() % 64;
    std::string sixteen(16, ' ');
    proxy::store_octets(proxy::hex_of_number(value), sixteen.data());
    std::string all(16, '0');
    char text[16];
    const char* const end = std::to_chars(text, text + sizeof text, value, 16).ptr;
    all.replace(16 - static_cast<size_t>(end - text), std::string::npos, text, static_cast<size_t>(end - text));
    ASSERT_EQ(sixteen, all);
  }
}

TEST(ByWords, AViaMacIsReadAsHexAndNothingElse) {  // RSP-11
  std::mt19937 random(7);
  size_t read = 0;
  for (int round = 0; round < 200000; ++round) {
    std::string digits(16, ' ');
    for (char& c : digits) c = "0123456789abcdefABCDEF"[random() % 22];
    if (round % 2 == 0) digits[random() % 16] = static_cast<char>(random());
    const proxy::ViaMac claim = proxy::read_via_mac("1.7." + digits);
    uint64_t mac = 0;
    const auto plain = std::from_chars(digits.data(), digits.data() + digits.size(), mac, 16);
    const bool valid = plain.ec == std::errc() && plain.ptr == digits.data() + digits.size();
    ASSERT_EQ(claim.socket, valid ? 7 : proxy::none) << digits;
    if (!valid) continue;
    ASSERT_EQ(claim.mac, mac);
    ++read;
  }
  EXPECT_GT(read, 100000u);
}

}  // namespace
}  // namespace viaduct::test
