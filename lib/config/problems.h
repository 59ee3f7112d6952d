// What is wrong with a configuration, collected until everything has been read.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace viaduct::config {

class Problems {
 public:
  explicit Problems(std::string file) : files_{std::move(file)} {}

  // Files that places refer to; the one of the constructor is number 0.
  uint16_t add_file(std::string file);
  const std::vector<std::string>& files() const { return files_; }
  // `line 7`, or `FILE:7` where that is not the file of `from`.
  std::string where(Place place, Place from) const;

  bool has_errors() const { return !errors_.empty(); }
  void error(Place place, std::string sentence) { errors_.push_back({place, std::move(sentence)}); }
  void warn(Place place, std::string sentence) { warnings_.push_back({place, std::move(sentence)}); }

  // In order of file and place.
  std::vector<Diagnostic> take_errors();
  std::vector<Diagnostic> take_warnings();

 private:
  struct Problem {
    Place place;
    std::string sentence;
  };
  std::vector<Diagnostic> take(std::vector<Problem>& list) const;

  std::vector<std::string> files_;
  std::vector<Problem> errors_;
  std::vector<Problem> warnings_;
};

// The column of the octet `at` of a line, in characters.
uint32_t column_of(std::string_view row, size_t at);

// Text on one line, whatever is in it.
std::string printable(std::string_view text);

// Text from the file for a sentence: printable, in quotes, shortened.
std::string quoted(std::string_view text);
// For strings std::quoted would be the better match, wherever <iomanip> has come along.
inline std::string quoted(std::string& text) { return quoted(std::string_view(text)); }
inline std::string quoted(const std::string& text) { return quoted(std::string_view(text)); }

// `; did you mean "record_route"?`, or nothing where no candidate is near.
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);

// `"a", "b" or "c"`.
std::string one_of(std::span<const std::string_view> words);

}  // namespace viaduct::config
