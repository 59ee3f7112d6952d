// What rules, limits and lists say about each other.
#include <algorithm>
#include <map>

#include "config/draft.h"

namespace viaduct::config {
namespace {

constexpr size_t rules_max = 4096, limits_max = 64, lists_max = 1024;

template <class Named>
std::vector<std::string> names_of(const std::vector<Named>& all) {
  std::vector<std::string> names;
  for (const Named& one : all) names.push_back(one.name);
  return names;
}

bool is_among(const std::string& name, const std::vector<std::string>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

template <class Named>
void check_names(const std::vector<Named>& all, std::string_view what, size_t max, Problems& problems) {
  std::map<std::string, Place> first;
  for (const Named& one : all) {
    if (one.name.empty()) continue;  // missing or wrong: reported already
    const auto [at, is_new] = first.emplace(one.name, one.place);
    if (is_new) continue;
    problems.error(one.place, std::string(what) + " name \"" + one.name + "\" is taken (" +
                                  problems.where(at->second, one.place) + "); a name of its own is expected");
  }
  if (all.size() > max) {
    problems.error(all[max].place, "more than " + std::to_string(max) + " tables [[" + std::string(what) + "]]");
  }
}

void check_sources(const Sources& sources, const std::vector<std::string>& lists, Problems& problems) {
  for (size_t i = 0; i < sources.lists.size(); ++i) {
    if (is_among(sources.lists[i], lists)) continue;
    problems.error(sources.places[i], "list \"" + sources.lists[i] + "\" is not there" +
                                          did_you_mean(sources.lists[i], lists) +
                                          " (a prefix or the name of a [[list]] is expected)");
  }
}

void check_target(const Rule& rule, std::string_view what, const std::vector<std::string>& names, Problems& problems) {
  if (is_among(rule.target, names)) return;
  problems.error(rule.action_place, std::string(what) + " \"" + rule.target + "\" is not there" +
                                        did_you_mean(rule.target, names) + " (the name of a [[" + std::string(what) +
                                        "]] is expected)");
}

}  // namespace

void check_rules(const Draft& draft, Problems& problems) {
  const Rules& rules = draft.config.rules;
  check_names(rules.lists, "list", lists_max, problems);
  check_names(rules.rules, "rule", rules_max, problems);
  check_names(rules.limits, "limit", limits_max, problems);
  const std::vector<std::string> lists = names_of(rules.lists);
  check_sources(rules.access.allow, lists, problems);
  check_sources(rules.access.deny, lists, problems);
  for (const Limit& limit : rules.limits) check_sources(limit.exempt, lists, problems);
  const std::vector<std::string> listeners = names_of(draft.config.listeners);
  for (const Rule& rule : rules.rules) {
    check_sources(rule.sources, lists, problems);
    for (size_t i = 0; i < rule.listeners.size(); ++i) {
      if (is_among(rule.listeners[i], listeners)) continue;
      problems.error(rule.listener_places[i], "listener \"" + rule.listeners[i] + "\" is not there" +
                                                  did_you_mean(rule.listeners[i], listeners) +
                                                  " (the name of a [[listener]] is expected)");
    }
    if (rule.action == RuleAction::pool) check_target(rule, "pool", names_of(draft.config.pools), problems);
    if (rule.action == RuleAction::limit) check_target(rule, "limit", names_of(rules.limits), problems);
  }
  check_steering(rules, problems);
}

}  // namespace viaduct::config
