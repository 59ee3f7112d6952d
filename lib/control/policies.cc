#include "control/policies.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>

#include "config/choices.h"
#include "config/values.h"
#include "control/words.h"
#include "core/log.h"
#include "fmt/format.h"
#include "nlohmann/json.hpp"

namespace viaduct::control {
namespace {

constexpr unsigned log_lines_max = 20;  // a second
constexpr uint64_t second_ns = 1'000'000'000;
constexpr size_t top_count = 20;

uint64_t ns_of(core::Instant now) { return static_cast<uint64_t>(now.time_since_epoch().count()); }

// Octets of a network, or text.
std::string who_of(const config::Limit& limit, const std::string& label) {
  const bool address = limit.by == config::LimitBy::source || limit.by == config::LimitBy::prefix;
  if (!address || label.size() != 16) return label;
  net::IpAddress network;
  std::memcpy(network.bytes.data(), label.data(), 16);
  const net::Prefix prefix{network, network.is_v4() ? limit.prefix_v4 : limit.prefix_v6};
  return prefix == net::host_prefix(network) ? net::to_string(network) : net::to_string(prefix);
}

std::span<const policy::Rule> rules_of(const std::shared_ptr<const policy::Ruleset>& ruleset) {
  return ruleset == nullptr ? std::span<const policy::Rule>{} : ruleset->rules();
}
std::span<const policy::Limit> limits_of(const std::shared_ptr<const policy::Ruleset>& ruleset) {
  return ruleset == nullptr ? std::span<const policy::Limit>{} : ruleset->limits();
}

Policies::Answer refused(std::string_view why) { return {fmt::format("error: {}", why), false}; }

// The rules' patterns, and nothing that refers to what may not be there.
config::Config patterns_of(const config::Config& partial) {
  config::Config config;
  config.file = partial.file;
  config.files = partial.files;
  config.listeners.emplace_back();
  for (const config::Rule& from : partial.rules.rules) {
    config::Rule& rule = config.rules.rules.emplace_back();
    rule.patterns = from.patterns;
    if (config.rules.rules.size() == policy::Ruleset::rules_max) break;
  }
  return config;
}

}  // namespace

std::vector<config::Diagnostic> policy_problems(const config::Loaded& loaded) {
  const config::Config with_patterns = loaded.config ? config::Config{} : patterns_of(loaded.partial);
  const config::Config& config = loaded.config ? *loaded.config : with_patterns;
  if (config.rules.rules.empty()) return {};
  auto compiled = policy::Ruleset::compile(config, std::make_shared<policy::Ruleset::Office>(1), nullptr);
  auto* const problems = std::get_if<std::vector<config::Diagnostic>>(&compiled);
  return problems == nullptr ? std::vector<config::Diagnostic>{} : std::move(*problems);
}

Policies::Policies(size_t workers) : office_(std::make_shared<policy::Ruleset::Office>(workers)) {}

core::Status Policies::adopt(const config::Config& config) {
  auto compiled = policy::Ruleset::compile(config, office_, ruleset_.get());
  if (const auto* problems = std::get_if<std::vector<config::Diagnostic>>(&compiled)) {
    std::string sentence;
    for (const auto& problem : *problems) sentence += (sentence.empty() ? "" : "\n") + config::to_string(problem);
    return core::Error{sentence};
  }
  ruleset_ = std::get<std::shared_ptr<const policy::Ruleset>>(std::move(compiled));
  was_idle_ = ruleset_->idle();
  return core::Done{};
}

std::shared_ptr<const policy::Ruleset> Policies::current() const {
  return ruleset_ == nullptr || ruleset_->idle() ? nullptr : ruleset_;
}

bool Policies::turn(Events& events, core::Instant now) {
  const uint64_t now_ns = ns_of(now);
  std::array<policy::Notice, 64> notices;
  while (const size_t count = office_->notices.take(notices)) {
    for (const policy::Notice& notice : std::span(notices).first(count)) {
      // Told before a reload: who goes on is told of once more.
      if (ruleset_ == nullptr || notice.ruleset != ruleset_->number()) continue;
      notice.kind == policy::Notice::Kind::ban ? hear_ban(notice, events, now_ns) : hear_log(notice);
    }
    if (count < notices.size()) break;
  }
  if (now_ns >= next_expiry_ns_) {
    next_expiry_ns_ = now_ns + second_ns;
    if (const size_t over = office_->bans.expire(now_ns)) core::log_info("{} bans are over", over);
  }
  return ruleset_ != nullptr && std::exchange(was_idle_, ruleset_->idle()) != ruleset_->idle();
}

// One line that tools which read logs can find: the limit and the source.
void Policies::hear_ban(const policy::Notice& notice, Events& events, uint64_t now_ns) {
  const config::Limit& limit = ruleset_->limits()[notice.index].config;
  const net::IpAddress& source = notice.source.address;
  if (office_->bans.contains(source, now_ns)) return;
  const net::Prefix prefix{source, source.is_v4() ? limit.prefix_v4 : limit.prefix_v6};
  const auto time = static_cast<uint64_t>(std::chrono::nanoseconds(limit.ban_time).count());
  const std::string what = fmt::format("over limit {}", limit.name);
  if (!office_->bans.add(prefix, now_ns + time, what)) return;
  const std::string banned = net::to_string(prefix), duration = config::duration_text(limit.ban_time);
  events.add(EventKind::ban, banned, fmt::format("{} for {}", what, duration),
             {fmt::format("banned {} for {}: {}", banned, duration, what), spdlog::level::warn});
}

void Policies::hear_log(const policy::Notice& notice) {
  const auto second = static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()) / second_ns;
  if (std::exchange(log_second_, second) != second) logged_ = 0;
  if (++logged_ > log_lines_max) return;
  core::log_info("rule {}: {} from {}", ruleset_->rules()[notice.index].name, printable(notice.start_line()),
                 net::to_string(notice.source));
}

std::optional<Policies::Answer> Policies::order(std::string_view line, Events& events, core::Instant now) {
  if (next_word(line) != "ban") return std::nullopt;
  const std::string_view verb = next_word(line), prefix = next_word(line), time = next_word(line);
  if (verb == "add" && next_word(line).empty()) return add_ban(prefix, time, events, ns_of(now));
  const auto network = net::parse_network(prefix);
  if (verb != "del" || !network || !time.empty()) {
    return refused("'ban add PREFIX TIME' or 'ban del PREFIX' is expected, such as 'ban add 192.0.2.7 60s'");
  }
  if (!office_->bans.remove(*network)) return refused(net::to_string(*network) + " is not banned");
  const std::string banned = net::to_string(*network);
  events.add(EventKind::operator_, banned, "let in again", {fmt::format("ban of {} ended, by the operator", banned)});
  return Answer{fmt::format("{}: let in again", banned), true};
}

Policies::Answer Policies::add_ban(std::string_view prefix, std::string_view time, Events& events, uint64_t now_ns) {
  const auto network = net::parse_network(prefix);
  if (!network) {
    return refused(fmt::format("'{}' is no prefix; one such as 192.0.2.7 or 2001:db8::/48 is expected",
                               printable(prefix.substr(0, 64))));
  }
  const auto duration = config::parse_duration(time);
  if (!duration || duration->count() <= 0 || *duration > config::ban_time_max) {
    return refused(fmt::format("'{}' is no time for a ban; one such as 60s, up to {}, is expected",
                               printable(time.substr(0, 64)), config::duration_text(config::ban_time_max)));
  }
  const auto ns = static_cast<uint64_t>(std::chrono::nanoseconds(*duration).count());
  if (!office_->bans.add(*network, now_ns + ns, "by the operator")) {
    return refused(fmt::format("there are {} bans already, and no room for more", office_->bans.size()));
  }
  const std::string what = fmt::format("banned for {}", config::duration_text(*duration));
  const std::string banned = net::to_string(*network);
  events.add(EventKind::operator_, banned, what, {fmt::format("{} {}, by the operator", banned, what)});
  return {fmt::format("{}: {}", banned, what), true};
}

Policies::Report Policies::rules() const {
  Report rows = Report::array();
  for (const policy::Rule& rule : rules_of(ruleset_)) {
    rows.push_back({{"rule", rule.name},
                    {"action", config::action_text(rule.action, rule.target, rule.status, rule.phrase)},
                    {"mode", config::word_of(rule.enforce, config::mode_choices)},
                    {"matched", rule.tally->matched()},
                    {"over_limit", rule.tally->exceeded()}});
  }
  return {{"matcher", policy::matcher_name()}, {"rules", std::move(rows)}};
}

Policies::Report Policies::limits() const {
  Report rows = Report::array();
  for (const policy::Limit& limit : limits_of(ruleset_)) {
    rows.push_back({{"limit", limit.config.name},
                    {"by", by_text(limit.config)},
                    {"rate", rate_text(limit.config)},
                    {"burst", limit.config.burst},
                    {"of", text_of(limit.config.of)},
                    {"action", action_text(limit.config)},
                    {"mode", config::word_of(limit.config.enforce, config::mode_choices)},
                    {"asked_by", limit.by_rules ? "rules" : "every request"},
                    {"asked", limit.tally->matched()},
                    {"over", limit.tally->exceeded()},
                    {"memory_bytes", limit.table->bytes()}});
  }
  return {{"limits", std::move(rows)}};
}

Policies::Report Policies::bans(core::Instant now, size_t rows_max) const {
  Report rows = Report::array();
  size_t banned = 0;
  const uint64_t now_ns = ns_of(now);
  for (const policy::Bans::Row& ban : office_->bans.rows()) {
    if (ban.until_ns <= now_ns) continue;
    if (++banned > rows_max) continue;
    rows.push_back({{"source", net::to_string(ban.prefix)},
                    {"seconds_left", (ban.until_ns - now_ns + second_ns - 1) / second_ns},
                    {"why", ban.why}});
  }
  return {{"banned", banned}, {"bans", std::move(rows)}};
}

Policies::Report Policies::top_sources(core::Instant now) const {
  Report rows = Report::array();
  for (const policy::Limit& limit : limits_of(ruleset_)) {
    for (const policy::LimitTable::Row& row : limit.table->top(top_count, ns_of(now))) {
      const bool over = row.over != 0;
      rows.push_back({{"limit", limit.config.name},
                      {"who", printable(who_of(limit.config, row.label))},
                      {"per_second", row.per_second},
                      {"over", row.over},
                      {"verdict", !over                  ? "below"
                                  : limit.config.enforce ? action_text(limit.config)
                                                         : "observed"}});
    }
  }
  return {{"top_sources", std::move(rows)}};
}

}  // namespace viaduct::control
