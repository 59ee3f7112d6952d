// Character classes of RFC 3261 section 25.1, as one table of 256 bit sets: a question costs one load and one AND.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace viaduct::sip {

enum CharClass : uint16_t {
  token_char = 1 << 0,          // token = 1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~" )
  digit_char = 1 << 1,          // DIGIT
  hex_char = 1 << 2,            // HEXDIG, either case
  lws_char = 1 << 3,            // SP, HTAB, and CR LF, which inside a row can only be a fold
  host_name_char = 1 << 4,      // alphanum, "-", "." and the "_" that names in private zones have
  ipv6_char = 1 << 5,           // HEXDIG / ":" / "."
  scheme_char = 1 << 6,         // ALPHA / DIGIT / "+" / "-" / "."
  user_char = 1 << 7,           // unreserved / user-unreserved / ":" and the "#" of service codes
  uri_param_char = 1 << 8,      // paramchar but escaped: param-unreserved / unreserved
  uri_header_char = 1 << 9,     // hnv-unreserved / unreserved / "=" / "&"
  absolute_uri_char = 1 << 10,  // what may stand in a URI of another scheme: visible, but none of < > "
  param_value_char = 1 << 11,   // what may stand in an unquoted parameter value: visible, but none of ; , < > "
  visible_char = 1 << 12,       // 0x21..0x7e and everything above 0x7f
  reason_char = 1 << 13,        // reason phrase: visible, SP, HTAB
  visible_high_char = 1 << 14,  // above 0x7f: UTF-8, or what claims to be (RFC 4475 section 3.1.1.2)
  address_char = 1 << 15,       // what neither ends nor shields anything in an address: all but < > " ; ,
};

namespace detail {

constexpr std::array<uint16_t, 256> make_char_classes() {
  std::array<uint16_t, 256> table{};
  auto add = [&table](std::string_view members, uint16_t classes) {
    for (char c : members) table[static_cast<uint8_t>(c)] |= classes;
  };
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  constexpr std::string_view digits = "0123456789";
  constexpr std::string_view mark = "-_.!~*'()";
  constexpr uint16_t with_alphanum = token_char | host_name_char | scheme_char;
  constexpr uint16_t with_unreserved = user_char | uri_param_char | uri_header_char;
  add(letters, with_alphanum | with_unreserved);
  add(digits, with_alphanum | with_unreserved | digit_char | hex_char | ipv6_char);
  add("ABCDEFabcdef", hex_char | ipv6_char);
  add("-.!%*_+`'~", token_char);
  add(" \t\r\n", lws_char);
  add("-._", host_name_char);
  add(":.", ipv6_char);
  add("+-.", scheme_char);
  add(mark, with_unreserved);
  add("&=+$,;?/:#", user_char);
  add("[]/:&+$", uri_param_char);
  add("[]/?:+$=&", uri_header_char);
  for (unsigned c = 0; c < 0x100; ++c) {
    if (c != '<' && c != '>' && c != '"' && c != ';' && c != ',') table[c] |= address_char;
  }
  for (unsigned c = 0x21; c < 0x100; ++c) {
    if (c == 0x7f) continue;
    table[c] |= visible_char | reason_char;
    if (c > 0x7f) {
      table[c] |= visible_high_char;
      continue;
    }
    const bool angle_or_quote = c == '<' || c == '>' || c == '"';
    if (!angle_or_quote) table[c] |= absolute_uri_char;
    if (!angle_or_quote && c != ';' && c != ',') table[c] |= param_value_char;
  }
  add(" \t", reason_char);
  return table;
}

inline constexpr std::array<uint16_t, 256> char_classes = make_char_classes();

}  // namespace detail

[[gnu::always_inline]] constexpr bool is(char c, uint16_t classes) {
  return detail::char_classes[static_cast<uint8_t>(c)] & classes;
}

// First octet of [p, end) that is in none of `classes`.
constexpr const char* skip(const char* p, const char* end, uint16_t classes) {
  while (p != end && is(*p, classes)) ++p;
  return p;
}

constexpr bool all(std::string_view text, uint16_t classes) {
  return skip(text.data(), text.data() + text.size(), classes) == text.data() + text.size();
}

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// `text` in lower case. Allocates: for configurations, not for messages.
inline std::string lowered(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = to_lower(c);
  return lower;
}

// `lower` is in lower case already.
constexpr bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (to_lower(text[i]) != lower[i]) return false;
  }
  return true;
}

}  // namespace viaduct::sip
