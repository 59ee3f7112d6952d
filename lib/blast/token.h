// What a message of ours carries along, so that nothing about it need be remembered.
//
//   branch   z9hG4bKvb RRRRRRRR NNNNNNNNNNNNNNNN TTTTTTTTTTTTTTTT
//   Call-ID  vb        RRRRRRRR K NNNNNNNNNNNNNNNN @viablast
//
// R: the run (a number that no other run near this one has), N: the call's number, T: when the request left, in
// nanoseconds of the monotonic clock, K: the kind of call, which tells a reflector in another process whether to pick
// up. A response brings its request's branch back, and with it everything that there is to measure.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "blast/digits.h"

namespace viaduct::blast {

inline constexpr std::string_view branch_start = "z9hG4bKvb";
inline constexpr std::string_view call_id_start = "vb";
inline constexpr std::string_view call_id_end = "@viablast";
inline constexpr size_t run_digits = 8;

// Eight digits.
inline std::string run_text(uint32_t run) {
  std::string text(hex_digits, '0');
  write_hex(run, text.data());
  return text.substr(hex_digits - run_digits);
}

// The From tag of a call.
struct TagText {
  std::array<char, hex_digits> digits;
  std::string_view view() const { return {digits.data(), digits.size()}; }
};
inline TagText tag_text(uint64_t number) {
  TagText text;
  write_hex(number, text.digits.data());
  return text;
}

struct Token {
  std::string_view run;
  uint64_t number = 0;
  uint64_t time_ns = 0;
};

// The token in a Via value with a branch of ours.
inline std::optional<Token> find_token(std::string_view via) {
  const size_t at = via.find(branch_start);
  if (at == std::string_view::npos) return std::nullopt;
  via.remove_prefix(at + branch_start.size());
  if (via.size() < run_digits + 2 * hex_digits) return std::nullopt;
  const auto number = read_hex(via.data() + run_digits);
  const auto time_ns = read_hex(via.data() + run_digits + hex_digits);
  if (!number || !time_ns) return std::nullopt;
  return Token{via.substr(0, run_digits), *number, *time_ns};
}

// What a Call-ID of ours says; kind 0: it is not ours.
struct CallName {
  char kind = 0;
  uint64_t number = 0;
  uint64_t run = 0;  // its digits as they lie

  std::string_view run_digits() const { return {reinterpret_cast<const char*>(&run), sizeof run}; }
};

inline CallName read_call_id(std::string_view call_id) {
  constexpr size_t size = call_id_start.size() + run_digits + 1 + hex_digits + call_id_end.size();
  if (call_id.size() != size || !call_id.starts_with(call_id_start) || !call_id.ends_with(call_id_end)) return {};
  const char* kind = call_id.data() + call_id_start.size() + run_digits;
  const auto number = read_hex(kind + 1);
  if (!number) return {};
  CallName name{*kind, *number};
  std::memcpy(&name.run, kind - run_digits, run_digits);
  return name;
}

}  // namespace viaduct::blast
