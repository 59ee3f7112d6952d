#include "policy/matchers.h"

#include <algorithm>
#include <utility>

namespace viaduct::policy {

Matchers::Compiled Matchers::get(const std::vector<FieldPattern>& patterns) {
  const std::lock_guard lock(mutex_);
  const auto known =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.patterns == patterns; });
  if (known != entries_.end()) {
    known->round = round_;
    return known->matcher;
  }
  Matcher::Compiled compiled = Matcher::compile(patterns);
  if (auto* const problems = std::get_if<std::vector<PatternProblem>>(&compiled)) return std::move(*problems);
  std::shared_ptr<const Matcher> matcher = std::get<std::unique_ptr<const Matcher>>(std::move(compiled));
  entries_.push_back({patterns, matcher, round_});
  return matcher;
}

void Matchers::end_round() {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [this](const Entry& entry) { return entry.round + 1 < round_; });
  ++round_;
}

}  // namespace viaduct::policy
