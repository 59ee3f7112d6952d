// [[limit]].
#include <algorithm>

#include "config/draft.h"
#include "config/read_lists.h"
#include "config/values.h"
#include "core/number.h"

namespace viaduct::config {
namespace {

using std::chrono::milliseconds;

constexpr int64_t entries_min = 1024, entries_max = int64_t{1} << 22;

void read_rate(Section& section, Limit& limit) {
  section.require("rate", "one such as \"100/s\" or \"10/m\"");
  std::string text;
  if (section.read("rate", text)) {
    if (const auto rate = parse_rate(text)) {
      limit.count = rate->count;
      limit.interval = rate->interval;
    } else {
      section.wrong("rate", section.find("rate")->value,
                    "a whole number up to 10000000 and \"/s\", \"/m\" or \"/h\", such as \"100/s\",");
    }
  }
  limit.burst = limit.count;
  section.read_number("burst", limit.burst, 1, rate_count_max);
}

bool parse_by(std::string_view text, Limit& limit) {
  if (const auto by = choice_named<LimitBy>(text); by && *by != LimitBy::prefix) {
    limit.by = *by;
    return true;
  }
  constexpr std::string_view prefix = "prefix/";
  if (!text.starts_with(prefix)) return false;
  const auto length = core::whole_number<uint8_t>(text.substr(prefix.size()));
  if (!length || *length == 0 || *length > 32) return false;
  limit.by = LimitBy::prefix;
  limit.prefix_v4 = *length;
  limit.prefix_v6 = 64;
  return true;
}

void read_by(Section& section, Limit& limit) {
  section.require("by", "\"source\", \"prefix/24\", \"from-user\", \"pool\" or \"global\"");
  std::string text;
  if (section.read("by", text) && !parse_by(text, limit)) {
    section.wrong("by", section.find("by")->value,
                  "\"source\", \"prefix/N\" with N from 1 to 32, \"from-user\", \"pool\" or \"global\"");
  }
  section.read_number("prefix_v6", limit.prefix_v6, 1, 128);
}

// `drop`, `503`, `ban 60s`.
bool parse_action(std::string_view text, Limit& limit) {
  if (text == "drop") return true;
  if (text == "503") {
    limit.action = LimitAction::reply;
    return true;
  }
  constexpr std::string_view ban = "ban ";
  if (!text.starts_with(ban)) return false;
  const auto time = parse_duration(text.substr(ban.size()));
  if (!time || *time < std::chrono::seconds(1) || *time > ban_time_max) return false;
  limit.action = LimitAction::ban;
  limit.ban_time = *time;
  return true;
}

}  // namespace

std::string by_text(const Limit& limit) {
  std::string text(text_of(limit.by));
  return limit.by == LimitBy::prefix ? text + '/' + std::to_string(limit.prefix_v4) : text;
}

std::string rate_text(const Limit& limit) { return rate_text(Rate{limit.count, limit.interval}); }

std::string action_text(const Limit& limit) {
  switch (limit.action) {
    case LimitAction::drop: return "drop";
    case LimitAction::reply: return "503";
    case LimitAction::ban: return "ban " + duration_text(limit.ban_time);
  }
  return "";
}

void read_limit(const Node& table, Draft& draft, Problems& problems) {
  Limit limit;
  Section section(table, "[[limit]]", problems);
  section.require("name", "a name such as \"per-source\"");
  if (section.read_name("name", limit.name)) section.set_title("[[limit]] \"" + limit.name + '"');
  limit.place = section.place_of("name");
  read_by(section, limit);
  read_rate(section, limit);
  section.read_choice("of", limit.of);
  std::string action;
  if (section.read("action", action) && !parse_action(action, limit)) {
    section.wrong("action", section.find("action")->value,
                  "\"drop\", \"503\" or \"ban TIME\" with a time from 1s to 168h, such as \"ban 60s\",");
  }
  const bool by_address = limit.by == LimitBy::source || limit.by == LimitBy::prefix;
  if (limit.action == LimitAction::ban && !by_address) {
    problems.error(section.place_of("action"), section.title() +
                                                   " bans, but does not count by source; by = \"source\" "
                                                   "or \"prefix/N\" is expected with \"ban\"");
  }
  section.read_choice<bool>("mode", limit.enforce, mode_choices);
  section.read_number("entries", limit.entries, entries_min, entries_max);
  read_sources(section, "exempt", limit.exempt, problems);
  section.report_unknown();
  draft.config.rules.limits.push_back(std::move(limit));
}

}  // namespace viaduct::config
