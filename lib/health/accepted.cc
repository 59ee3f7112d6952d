#include "health/accepted.h"

namespace viaduct::health {
namespace {

constexpr unsigned class_size = 100;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

Accepted::Accepted(std::span<const std::string> patterns) {
  for (const std::string& pattern : patterns) add(pattern);
}

void Accepted::add(std::string_view pattern) {
  if (pattern.size() != 3 || pattern[0] < '1' || pattern[0] > '6') return;
  const unsigned first = static_cast<unsigned>(pattern[0] - '0') * class_size;
  if (pattern.substr(1) == "xx") {
    for (unsigned status = first; status < first + class_size; ++status) statuses_.set(status);
  } else if (is_digit(pattern[1]) && is_digit(pattern[2])) {
    statuses_.set(first + static_cast<unsigned>(pattern[1] - '0') * 10 + static_cast<unsigned>(pattern[2] - '0'));
  }
}

}  // namespace viaduct::health
