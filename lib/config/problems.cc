#include "config/problems.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace viaduct::config {
namespace {

// Letters that differ before a word is no longer a slip of the other.
size_t slip_max(size_t length) { return std::max<size_t>(1, length / 3); }

char folded(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
  return c == '-' ? '_' : c;
}

// Damerau's distance without overlaps: insertions, deletions, substitutions, neighbours swapped. Case and the choice
// between `-` and `_` cost nothing.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last, last, row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    before_last = std::exchange(last, row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = folded(a[i - 1]) == folded(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      const bool swapped =
          i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) && folded(a[i - 2]) == folded(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::string to_string(const Diagnostic& diagnostic) {
  if (diagnostic.line == 0) return diagnostic.file + ": " + diagnostic.sentence;
  return diagnostic.file + ':' + std::to_string(diagnostic.line) + ':' + std::to_string(diagnostic.column) + ": " +
         diagnostic.sentence;
}

uint16_t Problems::add_file(std::string file) {
  files_.push_back(std::move(file));
  return static_cast<uint16_t>(files_.size() - 1);
}

std::string Problems::where(Place place, Place from) const {
  const std::string line = std::to_string(place.line);
  return place.file == from.file ? "line " + line : files_[place.file] + ':' + line;
}

std::vector<Diagnostic> Problems::take(std::vector<Problem>& list) const {
  std::stable_sort(list.begin(), list.end(), [](const Problem& a, const Problem& b) {
    return std::tuple(a.place.file, a.place.line, a.place.column) <
           std::tuple(b.place.file, b.place.line, b.place.column);
  });
  std::vector<Diagnostic> diagnostics;
  for (Problem& problem : std::exchange(list, {})) {
    const Place& place = problem.place;
    diagnostics.push_back({files_[place.file], place.line, place.column, std::move(problem.sentence)});
  }
  return diagnostics;
}

std::vector<Diagnostic> Problems::take_errors() { return take(errors_); }
std::vector<Diagnostic> Problems::take_warnings() { return take(warnings_); }

uint32_t column_of(std::string_view row, size_t at) {
  const std::string_view before = row.substr(0, at);
  const auto begins_character = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
  return static_cast<uint32_t>(std::count_if(before.begin(), before.end(), begins_character)) + 1;
}

std::string printable(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string printable;
  for (char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      printable += c;
    } else {
      printable += "\\x";
      printable += digits[byte >> 4];
      printable += digits[byte & 0xf];
    }
  }
  return printable;
}

std::string quoted(std::string_view text) {
  constexpr size_t shown_bytes_max = 60;
  if (text.size() <= shown_bytes_max) return '"' + printable(text) + '"';
  size_t shown = shown_bytes_max;
  while (shown > 0 && (static_cast<uint8_t>(text[shown]) & 0xc0) == 0x80) --shown;  // not inside a character
  return '"' + printable(text.substr(0, shown)) + "...\"";
}

std::string did_you_mean(std::string_view word, std::span<const std::string> candidates) {
  constexpr size_t word_bytes_max = 64;  // longer ones are no slips, and the distance is quadratic
  if (word.size() > word_bytes_max) return "";
  const std::string* best = nullptr;
  size_t best_distance = slip_max(word.size()) + 1;
  for (const std::string& candidate : candidates) {
    const size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = &candidate;
      best_distance = distance;
    }
  }
  return best == nullptr ? "" : "; did you mean \"" + *best + "\"?";
}

std::string one_of(std::span<const std::string_view> words) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += '"' + std::string(words[i]) + '"';
  }
  return text;
}

}  // namespace viaduct::config
