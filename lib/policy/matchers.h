// Matchers by their patterns, so that none is compiled twice.
//
// To compile is slow, seconds for 1,000 patterns, the control thread waits for it, and the result depends on the
// patterns alone. A reload asks for the same ones again: to check the file, to adopt it, for each listener that has the
// rules; and most reloads have changed something else. What this round and the one before it asked for is kept.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <variant>
#include <vector>

#include "policy/matcher.h"

namespace viaduct::policy {

class Matchers {
 public:
  using Compiled = std::variant<std::shared_ptr<const Matcher>, std::vector<PatternProblem>>;

  // As Matcher::compile, which it calls for patterns that it does not have. Problems are not kept. Thread: any.
  Compiled get(const std::vector<FieldPattern>& patterns);
  // A round is one compilation of all rules. Forgets what neither this one nor the one before it asked for; whoever has
  // a matcher keeps it.
  void end_round();

 private:
  struct Entry {
    std::vector<FieldPattern> patterns;
    std::shared_ptr<const Matcher> matcher;
    uint64_t round = 0;  // that asked for it last
  };

  std::mutex mutex_;  // held for as long as it takes to compile
  std::vector<Entry> entries_;
  uint64_t round_ = 1;
};

}  // namespace viaduct::policy
