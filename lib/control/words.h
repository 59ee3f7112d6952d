// What came over the control socket: its words, and what of it may go back to a terminal.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace viaduct::control {

// The next word of `line`, which loses it; empty behind the last one.
inline std::string_view next_word(std::string_view& line) {
  const size_t begin = std::min(line.find_first_not_of(" \t"), line.size());
  const size_t end = std::min(line.find_first_of(" \t", begin), line.size());
  const std::string_view word = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return word;
}

// At most 256 characters, '?' for all but printable ASCII.
inline std::string printable(std::string_view text) {
  std::string clean;
  for (const char c : text.substr(0, 256)) clean += c >= ' ' && c < 0x7f ? c : '?';
  return clean;
}

}  // namespace viaduct::control
