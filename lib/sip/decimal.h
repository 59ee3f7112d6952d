// Decimal numbers, bounded: no sign, no wrap-around however many digits there are (conformance rules SEC-12, PAR-17).
#pragma once

#include <cstdint>
#include <string_view>

#include "sip/charset.h"
#include "sip/cursor.h"

namespace viaduct::sip {

inline constexpr uint64_t decimal_huge = uint64_t{1} << 40;  // what every larger number reads as

// 1*DIGIT over all of `text`. False if it is anything else.
constexpr bool read_decimal(std::string_view text, uint64_t& number) {
  if (text.empty()) return false;
  uint64_t sum = 0;
  for (char c : text) {
    if (!is(c, digit_char)) return false;
    sum = sum * 10 + static_cast<uint64_t>(c - '0');
    if (sum > decimal_huge) sum = decimal_huge;
  }
  number = sum;
  return true;
}

// A port: 1..65535.
constexpr bool read_port(std::string_view text, uint16_t& port) {
  uint64_t number = 0;
  if (!read_decimal(text, number) || number == 0 || number > 65535) return false;
  port = static_cast<uint16_t>(number);
  return true;
}

// The digits at `in`.
inline bool read_decimal(Cursor& in, uint64_t& number) {
  const char* from = in.p;
  while (in.p != in.end && is(*in.p, digit_char)) ++in.p;
  return read_decimal(in.text(in.slice(from, in.p)), number);
}

// The digits at `in`, as a port.
inline bool read_port(Cursor& in, uint16_t& port) {
  const char* from = in.p;
  while (in.p != in.end && is(*in.p, digit_char)) ++in.p;
  return read_port(in.text(in.slice(from, in.p)), port);
}

}  // namespace viaduct::sip
