#include "policy/matchers.h"

#include <algorithm>
#include <utility>

namespace viaduct::policy {

std::optional<Matchers::Compiled> Matchers::known(const std::vector<FieldPattern>& patterns) {
  const auto entry =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& one) { return one.patterns == patterns; });
  if (entry == entries_.end()) return std::nullopt;
  entry->round = round_;
  return entry->compiled;
}

Matchers::Compiled Matchers::get(const std::vector<FieldPattern>& patterns) {
  {
    const std::lock_guard lock(mutex_);
    if (auto known = this->known(patterns)) return std::move(*known);
  }
  Matcher::Compiled made = Matcher::compile(patterns);
  Compiled compiled;
  if (auto* const problems = std::get_if<std::vector<PatternProblem>>(&made)) {
    compiled = std::move(*problems);
  } else {
    compiled = std::shared_ptr<const Matcher>(std::get<std::unique_ptr<const Matcher>>(std::move(made)));
  }
  const std::lock_guard lock(mutex_);
  if (auto others = known(patterns)) return std::move(*others);
  entries_.push_back({patterns, compiled, round_});
  return compiled;
}

void Matchers::end_round() {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [this](const Entry& entry) {
    const auto* const matcher = std::get_if<std::shared_ptr<const Matcher>>(&entry.compiled);
    const bool in_use = matcher != nullptr && matcher->use_count() > 1;
    return !in_use && entry.round + 1 < round_;
  });
  ++round_;
}

}  // namespace viaduct::policy
