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
  explicit Problems(std::string file) : file_(std::move(file)) {}

  void error(Place place, std::string sentence) { add(errors_, place, std::move(sentence)); }
  void warn(Place place, std::string sentence) { add(warnings_, place, std::move(sentence)); }

  // In order of place.
  std::vector<Diagnostic> take_errors();
  std::vector<Diagnostic> take_warnings();

 private:
  void add(std::vector<Diagnostic>& list, Place place, std::string sentence);

  std::string file_;
  std::vector<Diagnostic> errors_;
  std::vector<Diagnostic> warnings_;
};

// Text on one line, whatever is in it.
std::string printable(std::string_view text);

// Text from the file for a sentence: printable, in quotes, shortened.
std::string quoted(std::string_view text);

// `; did you mean "record_route"?`, or nothing where no candidate is near.
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);

// `"a", "b" or "c"`.
std::string one_of(std::span<const std::string_view> words);

}  // namespace viaduct::config
