// One table of the file, read key by key.
//
// Every key that is asked for becomes a known key; `report_unknown` complains about the rest. A value of the wrong type
// or out of range is reported with its place and leaves the default alone, so that reading goes on to the next mistake.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/choices.h"
#include "config/document.h"
#include "config/problems.h"

namespace viaduct::config {

struct PlacedText {
  std::string text;
  Place place;
};

class Section {
 public:
  // `title` names the table in sentences: `[[listener]] "public"`.
  Section(const Node& table, std::string title, Problems& problems)
      : table_(table), title_(std::move(title)), problems_(problems) {}

  const std::string& title() const { return title_; }
  void set_title(std::string title) { title_ = std::move(title); }
  Place place() const { return table_.place; }
  // Of the value of `key`, or of the table where there is none.
  Place place_of(std::string_view key) const;

  const Member* find(std::string_view key);

  // True if the key is there and right; then, and only then, `out` is set.
  bool read(std::string_view key, std::string& out);
  bool read(std::string_view key, bool& out);
  bool read(std::string_view key, std::chrono::milliseconds& out, std::chrono::milliseconds min,
            std::chrono::milliseconds max);
  bool read_strings(std::string_view key, std::vector<PlacedText>& out);            // an array
  bool read_string_or_strings(std::string_view key, std::vector<PlacedText>& out);  // or one string alone
  // For conditions: an empty array would be read as none, which everything meets.
  void refuse_empty(std::string_view key);
  // Letters, digits, `.`, `_`, `-`: what may stand in logs, metrics and commands without quotes.
  bool read_name(std::string_view key, std::string& out);

  template <class T>
  bool read_number(std::string_view key, T& out, int64_t min, int64_t max) {
    int64_t number = 0;
    if (!read_integer(key, number, min, max)) return false;
    out = static_cast<T>(number);
    return true;
  }

  template <class T>
  bool read_choice(std::string_view key, T& out, Choices<T> of = choices<T>) {
    std::vector<std::string_view> words;
    for (const auto& [word, meant] : of) words.push_back(word);
    size_t index = 0;
    if (!read_word(key, words, index)) return false;
    out = of[index].second;
    return true;
  }

  // Complains if `key` is not there at all. `expectation` says what it should hold.
  void require(std::string_view key, std::string_view expectation);
  // `KEY is FOUND; EXPECTATION is expected`, at the value.
  void wrong(std::string_view key, const Node& value, std::string_view expectation);

  void report_unknown();

 private:
  bool read_integer(std::string_view key, int64_t& out, int64_t min, int64_t max);
  bool read_word(std::string_view key, std::span<const std::string_view> words, size_t& index);

  const Node& table_;
  std::string title_;
  Problems& problems_;
  std::vector<std::string> known_;
};

}  // namespace viaduct::config
