// Numbers as people read them at a glance. Nothing to say is "-".
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>

#include "fmt/format.h"

namespace viaduct::top {

// Three digits that count: 7.3, 73, 731, 7310, 73.1k, 7.31M.
inline std::string short_number(std::optional<double> value) {
  if (!value) return "-";
  constexpr struct {
    double from, unit;
    const char* prefix;
  } steps[]{{1e9, 1e9, "G"}, {1e6, 1e6, "M"}, {1e4, 1e3, "k"}};
  for (const auto& step : steps) {
    if (*value < step.from) continue;
    const double scaled = *value / step.unit;
    return fmt::format("{:.{}f}{}", scaled, scaled >= 100 ? 0 : scaled >= 10 ? 1 : 2, step.prefix);
  }
  if (*value >= 100 || *value == std::floor(*value)) return fmt::format("{:.0f}", *value);
  return fmt::format("{:.1f}", *value);
}

inline std::string percent(std::optional<double> value) { return value ? fmt::format("{:.1f}%", *value) : "-"; }

inline std::string milliseconds(std::optional<double> value) {
  if (!value) return "-";
  if (*value >= 10000) return fmt::format("{:.1f}s", *value / 1000);
  return fmt::format("{:.{}f}ms", *value, *value >= 100 ? 0 : *value >= 10 ? 1 : 2);
}

// The two largest units: 3d 4h.
inline std::string duration(uint64_t seconds) {
  constexpr struct {
    uint64_t size;
    const char* unit;
  } parts[]{{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
  for (size_t i = 0; i < 4; ++i) {
    if (seconds < parts[i].size) continue;
    std::string text = fmt::format("{}{}", seconds / parts[i].size, parts[i].unit);
    if (i < 3) text += fmt::format(" {}{}", seconds % parts[i].size / parts[i + 1].size, parts[i + 1].unit);
    return text;
  }
  return "0s";
}

}  // namespace viaduct::top
