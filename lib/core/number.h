// Whole numbers as people and files write them.
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>
#include <system_error>

namespace viaduct::core {

// The number that `text` is, all of it: digits of `base`, with a `-` in front only where T has a sign. Nothing for the
// empty text, for anything beside digits, and for a number that T cannot hold. Thread: any; no allocation.
template <std::integral T>
std::optional<T> whole_number(std::string_view text, int base = 10) {
  T number = 0;
  const char* const end = text.data() + text.size();
  const auto [behind, error] = std::from_chars(text.data(), end, number, base);
  if (error != std::errc() || behind != end) return std::nullopt;
  return number;
}

}  // namespace viaduct::core
