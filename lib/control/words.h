// Words of the control socket: what came, what of it may go back to a terminal, and the time of day.
#pragma once

#include <algorithm>
#include <chrono>
#include <ctime>
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

// At most 31 characters; `zone` is localtime_r or gmtime_r.
inline std::string time_text(std::chrono::system_clock::time_point time, const char* format,
                             std::tm* (*zone)(const std::time_t*, std::tm*) = localtime_r) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  zone(&seconds, &parts);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, format, &parts));
}

// `2026-11-21 05:42:03`, in the machine's own time zone, as in the log.
inline std::string wall_time(std::chrono::system_clock::time_point time) {
  return time_text(time, "%Y-%m-%d %H:%M:%S");
}

}  // namespace viaduct::control
