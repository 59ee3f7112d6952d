// Which kind an octet is, for shapes (shape.h), by its two halves: the tables of each half have the kinds in whose rows
// or columns of ASCII it may be, and what both have is the kind. That makes it two shuffles for a vector of octets.
// '@', '`' and whatever is no visible ASCII are of no kind.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace viaduct::sip {

enum OctetKind : uint8_t {
  kind_digit = 1 << 0,
  kind_letter = 1 << 1,       // of the columns 4 and 6 of ASCII,
  kind_late_letter = 1 << 2,  // and of 5 and 7
  kind_mark = 1 << 3,         // ! % ' * + - .
  kind_underscore = 1 << 4,
  kind_spaced = 1 << 5,     // SP " # $ & ( ) , /
  kind_separator = 1 << 6,  // : ; < = > ?
  kind_bracket = 1 << 7,    // [ \ ] ^ { | } ~
};

struct KindTables {
  std::array<uint8_t, 16> low{}, high{};  // by the lower four bits, by the upper

  constexpr KindTables() {
    add(kind_digit, "3", "0123456789");
    add(kind_letter, "46", "123456789abcdef");
    add(kind_late_letter, "57", "0123456789a");
    add(kind_mark, "2", "157abde");
    add(kind_underscore, "5", "f");
    add(kind_spaced, "2", "0234689cf");
    add(kind_separator, "3", "abcdef");
    add(kind_bracket, "57", "bcde");
  }
  constexpr uint8_t kind_of(char c) const {
    const auto octet = static_cast<uint8_t>(c);
    return low[octet & 15] & high[octet >> 4];
  }

 private:
  static constexpr size_t value_of(char digit) {
    return static_cast<size_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
  }
  constexpr void add(OctetKind kind, std::string_view upper, std::string_view lower) {
    for (const char half : upper) high[value_of(half)] |= kind;
    for (const char half : lower) low[value_of(half)] |= kind;
  }
};

inline constexpr KindTables kind_tables;

}  // namespace viaduct::sip
