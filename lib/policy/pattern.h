// Patterns, plainly: what Hyperscan (hyperscan.cc) is measured against, and what stands in where Hyperscan is absent.
//
// A pattern becomes a list of instructions in the manner of Thompson ("Regular expression search algorithm", 1968), and
// a search walks the text once with the set of all places in that list where a match could be: no backtracking, so
// hostile text costs what any text costs. The language is the part of Perl's that operators use:
//
//   literals   .   [a-z] [^a-z]   \d \w \s \D \W \S   \xHH \t \r \n   (...) (?:...) a|b   * + ? {m,n}   ^ $ \b \B
//
// with (?i) in front for all letters in either case. As in Hyperscan there are no groups to refer to and no looking
// around, `.` is any octet but the line feed, and `$` is the end of the text or before a last line feed.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace viaduct::policy {

class Pattern {
 public:
  // The error says what is wrong, and at which octet.
  static core::Result<Pattern> compile(std::string_view text);

  // Whether `text` has a match anywhere. Thread: any; allocates, so not for the hot path.
  bool search(std::string_view text) const;

 private:
  friend class PatternCompiler;
  enum class Step : uint8_t { set, fork, jump, begin, end, boundary, no_boundary, match };
  struct Instruction {
    Step step = Step::match;
    uint32_t first = 0;   // set: its number; fork, jump: where to go on
    uint32_t second = 0;  // fork: where else
  };
  using Octets = std::bitset<256>;

  bool follow(uint32_t at, std::string_view text, size_t place, std::vector<uint32_t>& states,
              std::vector<size_t>& seen) const;

  std::vector<Instruction> program_;
  std::vector<Octets> sets_;
};

}  // namespace viaduct::policy
