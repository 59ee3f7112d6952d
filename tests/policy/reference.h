// Rules, asked one by one and condition by condition: slow, and plain enough to be right.
//
// It shares with the product only the plain patterns (policy/pattern.h) and the parsed start line; headers are found
// here by lines of its own.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "policy/pattern.h"
#include "sip/message.h"

namespace viaduct::policy::reference {

inline std::string lower(std::string_view text) {
  std::string low(text);
  for (char& c : low) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return low;
}

inline std::string long_name(const std::string& name) {
  static const std::pair<std::string_view, std::string_view> compact[] = {
      {"f", "from"}, {"t", "to"}, {"m", "contact"}, {"i", "call-id"}, {"s", "subject"}};
  for (const auto& [small, large] : compact) {
    if (name == small) return std::string(large);
  }
  return name;
}

inline std::vector<std::string> values_of(const sip::Message& message, const std::string& field) {
  const std::string_view head = message.bytes.substr(0, message.bytes.find("\r\n\r\n") + 2);
  if (field == "headers") return {std::string(head)};
  if (field == "request-uri") return {std::string(message.text(message.request_uri.text))};
  std::vector<std::string> values;
  for (size_t at = head.find("\r\n") + 2; at < head.size();) {
    const size_t end = head.find("\r\n", at);
    const std::string_view line = head.substr(at, end - at);
    at = end + 2;
    const size_t colon = line.find(':');
    std::string name = lower(line.substr(0, colon));
    while (name.ends_with(' ')) name.pop_back();
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    while (value.ends_with(' ')) value.remove_suffix(1);
    if (long_name(name) == long_name(field)) values.emplace_back(value);
  }
  return values;
}

inline bool contains(const config::Config& config, const config::Sources& sources, const net::IpAddress& address) {
  const auto holds = [&](const std::vector<net::Prefix>& prefixes) {
    return std::any_of(prefixes.begin(), prefixes.end(), [&](const net::Prefix& p) { return p.contains(address); });
  };
  if (holds(sources.prefixes)) return true;
  for (const std::string& name : sources.lists) {
    for (const config::PrefixList& list : config.rules.lists) {
      if (list.name == name && holds(list.prefixes)) return true;
    }
  }
  return false;
}

inline bool matches_patterns(const config::Rule& rule, const sip::Message& message) {
  for (const config::RulePattern& wanted : rule.patterns) {
    bool found = false;  // one of the patterns for this field
    for (const config::RulePattern& pattern : rule.patterns) {
      if (long_name(pattern.field) != long_name(wanted.field)) continue;
      for (const std::string& value : values_of(message, pattern.field)) {
        found = found || Pattern::compile(pattern.text)->search(value);
      }
    }
    if (!found) return false;
  }
  return true;
}

inline bool matches(const config::Config& config, const config::Rule& rule, const sip::Message& message,
                    const net::IpAddress& source, const config::Listener& listener) {
  const auto among = [](const std::string& what, const std::vector<std::string>& all) {
    return std::find(all.begin(), all.end(), what) != all.end();
  };
  const bool here =
      rule.listeners.empty() ? listener.side == config::Side::outside : among(listener.name, rule.listeners);
  if (!here) return false;
  if (!rule.sources.empty() && !contains(config, rule.sources, source)) return false;
  const std::string method(message.text(message.method_text));
  const bool steers = rule.action == config::RuleAction::pool || rule.action == config::RuleAction::accept;
  const bool of_invite = steers && (method == "ACK" || method == "CANCEL") && among("INVITE", rule.methods);
  if (!rule.methods.empty() && !among(method, rule.methods) && !of_invite) return false;
  if (rule.in_dialog && *rule.in_dialog != message.has_to_tag) return false;
  if (message.bytes.size() < rule.size_min || message.bytes.size() > rule.size_max) return false;
  for (const std::string& name : rule.present) {
    if (values_of(message, name).empty()) return false;
  }
  for (const std::string& name : rule.absent) {
    if (!values_of(message, name).empty()) return false;
  }
  bool deviates = rule.deviations.empty();
  for (const sip::Deviation deviation : rule.deviations) deviates = deviates || message.deviations.has(deviation);
  return deviates && matches_patterns(rule, message);
}

struct Verdict {
  std::optional<size_t> decided;  // the rule
  std::vector<size_t> matched;    // every rule that was counted
};

inline Verdict judge(const config::Config& config, const sip::Message& message, const net::IpAddress& source,
                     size_t listener) {
  Verdict verdict;
  for (size_t i = 0; i < config.rules.rules.size(); ++i) {
    const config::Rule& rule = config.rules.rules[i];
    if (!matches(config, rule, message, source, config.listeners[listener])) continue;
    verdict.matched.push_back(i);
    const bool notes = rule.action == config::RuleAction::tag || rule.action == config::RuleAction::log;
    if (!rule.enforce || notes) continue;
    verdict.decided = i;
    break;
  }
  return verdict;
}

}  // namespace viaduct::policy::reference
