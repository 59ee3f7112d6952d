#include "policy/loosened.h"

namespace viaduct::policy {
namespace {

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// The place behind a class that begins at `at`.
size_t behind_class(std::string_view pattern, size_t at) {
  size_t i = at + 1;
  if (i < pattern.size() && pattern[i] == '^') ++i;
  for (bool first = true; i < pattern.size(); first = false) {
    if (pattern[i] == ']' && !first) return i + 1;
    if (pattern[i] == '\\') ++i;
    if (pattern[i] == '[' && i + 1 < pattern.size() && pattern[i + 1] == ':') {
      const size_t close = pattern.find(":]", i + 2);
      if (close != std::string_view::npos) i = close + 1;
    }
    ++i;
  }
  return pattern.size();
}

// `(?i)`, `(?i:` and `(?:` are the groups whose inside reads as usual.
bool is_usual_group(std::string_view rest) {
  return rest.starts_with("(?:") || rest.starts_with("(?i)") || rest.starts_with("(?i:") ||
         !(rest.starts_with("(?") || rest.starts_with("(*"));
}

}  // namespace

std::optional<std::string> without_anchors(std::string_view pattern) {
  std::string loose;
  for (size_t i = 0; i < pattern.size();) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      const char escaped = pattern[i + 1];
      if (escaped == 'Q' || escaped == 'E' || escaped == 'G' || escaped == 'K') return std::nullopt;
      const bool anchor = escaped == 'A' || escaped == 'z' || escaped == 'Z';
      loose += anchor ? std::string_view("(?:)") : pattern.substr(i, 2);
      i += 2;
    } else if (c == '[') {
      const size_t end = behind_class(pattern, i);
      loose += pattern.substr(i, end - i);
      i = end;
    } else if (c == '(' && !is_usual_group(pattern.substr(i))) {
      return std::nullopt;
    } else {
      loose += c == '^' || c == '$' ? std::string_view("(?:)") : pattern.substr(i, 1);
      ++i;
    }
  }
  return loose;
}

bool has_anchors(std::string_view pattern) { return without_anchors(pattern) != std::optional(std::string(pattern)); }

bool stays_in_line(std::string_view pattern) {
  constexpr std::string_view harmless = "dwbB";  // octets or places, but no line feed
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (static_cast<unsigned char>(c) < ' ') return false;
    if (c == '[' && i + 1 < pattern.size() && (pattern[i + 1] == '^' || pattern[i + 1] == ':')) return false;
    if (c == '(' && !is_usual_group(pattern.substr(i))) return false;
    if (c != '\\') continue;
    if (++i == pattern.size()) return false;
    if (is_letter_or_digit(pattern[i]) && harmless.find(pattern[i]) == std::string_view::npos) return false;
  }
  return true;
}

}  // namespace viaduct::policy
