// Token characters (RFC 3261 section 25.1) as tables for vector look-up.
#pragma once

#include <array>
#include <cstdint>

#include "sip/charset.h"

namespace viaduct::sip {
namespace {

// By the low hexadecimal digit of an octet: bit h is set if the octet with high digit h is a token character.
alignas(16) constexpr std::array<uint8_t, 16> token_rows = [] {
  std::array<uint8_t, 16> rows{};
  for (unsigned octet = 0; octet < 0x80; ++octet) {
    if (detail::char_classes[octet] & token_char) rows[octet & 15] |= static_cast<uint8_t>(1 << (octet >> 4));
  }
  return rows;
}();

alignas(16) constexpr std::array<uint8_t, 16> high_digit_bits = {1, 2, 4, 8, 16, 32, 64, 128};

// By the octet: 0x80 if it is no token character.
alignas(64) constexpr std::array<uint8_t, 128> not_token = [] {
  std::array<uint8_t, 128> table{};
  for (unsigned octet = 0; octet < 0x80; ++octet) {
    if (!(detail::char_classes[octet] & token_char)) table[octet] = 0x80;
  }
  return table;
}();

}  // namespace
}  // namespace viaduct::sip
