#include "policy/matchers.h"

#include <algorithm>
#include <utility>

namespace viaduct::policy {

std::shared_ptr<const Matcher> Matchers::known(const std::vector<FieldPattern>& patterns) {
  const std::lock_guard lock(mutex_);
  const auto entry =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& one) { return one.patterns == patterns; });
  if (entry == entries_.end()) return nullptr;
  entry->round = round_;
  return entry->matcher;
}

Matchers::Compiled Matchers::get(const std::vector<FieldPattern>& patterns) {
  if (auto matcher = known(patterns)) return matcher;
  Matcher::Compiled compiled = Matcher::compile(patterns);
  if (auto* const problems = std::get_if<std::vector<PatternProblem>>(&compiled)) return std::move(*problems);
  std::shared_ptr<const Matcher> matcher = std::get<std::unique_ptr<const Matcher>>(std::move(compiled));
  const std::lock_guard lock(mutex_);
  entries_.push_back({patterns, matcher, round_});
  return matcher;
}

void Matchers::end_round() {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [this](const Entry& entry) { return entry.round + 1 < round_; });
  ++round_;
}

}  // namespace viaduct::policy
