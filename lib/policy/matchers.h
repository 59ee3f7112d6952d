// Matchers by their patterns, so that none is compiled twice.
//
// To compile is slow, seconds for 1,000 patterns, and the result depends on the patterns alone. A reload asks for the
// same ones again: to prepare it in a thread of its own, to check the file, to adopt it, for each listener that has the
// rules; and most reloads have changed something else. What this round and the one before it asked for is kept.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <variant>
#include <vector>

#include "policy/matcher.h"

namespace viaduct::policy {

class Matchers {
 public:
  using Compiled = std::variant<std::shared_ptr<const Matcher>, std::vector<PatternProblem>>;

  // As Matcher::compile, which it calls for patterns that it does not have; two threads that ask at the same time both
  // do, and get the same. Problems are kept, too. Thread: any.
  Compiled get(const std::vector<FieldPattern>& patterns);
  // A round is one compilation of all rules. Forgets what neither this one nor the one before it asked for, unless
  // somebody has it still.
  void end_round();

 private:
  std::optional<Compiled> known(const std::vector<FieldPattern>& patterns);

  struct Entry {
    std::vector<FieldPattern> patterns;
    Compiled compiled;
    uint64_t round = 0;  // that asked for it last
  };

  std::mutex mutex_;  // never held while something is compiled
  std::vector<Entry> entries_;
  uint64_t round_ = 1;
};

}  // namespace viaduct::policy
