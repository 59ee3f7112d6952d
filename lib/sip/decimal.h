// Decimal numbers, bounded: no sign, no wrap-around however many digits there are (conformance rules SEC-12, PAR-17).
#pragma once

#include <cstdint>
#include <string_view>

#include "sip/charset.h"
#include "sip/cursor.h"

namespace viaduct::sip {

inline constexpr uint64_t decimal_huge = uint64_t{1} << 40;  // what every larger number reads as

// The digits at the start of [p, end). Returns where they end; at `p` if there are none.
constexpr const char* read_digits(const char* p, const char* end, uint64_t& number) {
  uint64_t sum = 0;
  const char* const few = end - p > 9 ? p + 9 : end;  // cannot become huge
  for (; p != few; ++p) {
    const unsigned digit = static_cast<uint8_t>(*p) - unsigned{'0'};
    if (digit > 9) break;
    sum = sum * 10 + digit;
  }
  if (p == few) [[unlikely]] {
    for (; p != end && is(*p, digit_char); ++p) {
      sum = sum * 10 + static_cast<uint64_t>(*p - '0');
      if (sum > decimal_huge) sum = decimal_huge;
    }
  }
  number = sum;
  return p;
}

// 1*DIGIT over all of `text`. False if it is anything else.
constexpr bool read_decimal(std::string_view text, uint64_t& number) {
  const char* end = text.data() + text.size();
  return !text.empty() && read_digits(text.data(), end, number) == end;
}

// The digits at `in`. False if there are none.
inline bool read_decimal(Cursor& in, uint64_t& number) {
  const char* from = in.p;
  in.p = read_digits(in.p, in.end, number);
  return in.p != from;
}

// The digits at `in` as a port, 1..65535. Leaves `in` behind them; anywhere if it is none.
inline bool read_port(Cursor& in, uint16_t& port) {
  // Nearly always four or five digits.
  uint32_t number = 0;
  const char* p = in.p;
  for (int i = 0; i < 5 && p != in.end; ++i, ++p) {
    const uint32_t digit = static_cast<uint32_t>(static_cast<uint8_t>(*p)) - '0';
    if (digit > 9) break;
    number = number * 10 + digit;
  }
  if (p != in.end && is(*p, digit_char)) [[unlikely]] {  // leading zeros, perhaps
    uint64_t any = 0;
    p = read_digits(in.p, in.end, any);
    number = static_cast<uint32_t>(any < 65536 ? any : 65536);
  }
  in.p = p;
  port = static_cast<uint16_t>(number);
  return number - 1 < 65535;
}

}  // namespace viaduct::sip
