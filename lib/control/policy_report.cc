#include "control/policy_report.h"

#include "core/number.h"
#include "nlohmann/json.hpp"

namespace viaduct::control {
namespace {

Report no_rows(const char* name) { return {{name, Report::array()}}; }

Report rules_report(const Status& status, Arguments) {
  return status.policies == nullptr ? no_rows("rules") : status.policies->rules();
}

Report limits_report(const Status& status, Arguments) {
  return status.policies == nullptr ? no_rows("limits") : status.policies->limits();
}

Report bans_report(const Status& status, Arguments arguments) {
  size_t rows_max = ~size_t{0};
  if (!arguments.empty()) {
    const bool named = arguments.size() == 2 && arguments[0] == "first";
    const auto number = named ? core::whole_number<size_t>(arguments[1]) : std::nullopt;
    if (!number) return refusal("'first' and a number of rows, or nothing, is expected behind 'bans'");
    rows_max = *number;
  }
  if (status.policies == nullptr) return {{"banned", 0}, {"bans", Report::array()}};
  return status.policies->bans(std::chrono::steady_clock::now(), rows_max);
}

Report top_sources_report(const Status& status, Arguments) {
  if (status.policies == nullptr) return no_rows("top_sources");
  return status.policies->top_sources(std::chrono::steady_clock::now());
}

constexpr Column rule_columns[]{
    {"rule", Kind::text, "its name", true},
    {"action", Kind::text, "what it does"},
    {"mode", Kind::text, "enforce, or observe: counted only"},
    {"matched", Kind::counter, "requests that it matched"},
    {"over_limit", Kind::counter, "of these, over the limit that it names"},
};
constexpr Column matcher_columns[]{{"matcher", Kind::text, "what looks for patterns"}};
constexpr Table rule_tables[]{
    {"rules", Shape::rows, "every [[rule]], in order", rule_columns},
    {"matching", Shape::members, "how patterns are looked for", matcher_columns, true},
};

constexpr Column limit_columns[]{
    {"limit", Kind::text, "its name", true},
    {"by", Kind::text, "what has a bucket of its own"},
    {"rate", Kind::text, "how many in which time"},
    {"burst", Kind::number, "how many at once"},
    {"of", Kind::text, "requests or new-calls"},
    {"action", Kind::text, "what becomes of those over it"},
    {"mode", Kind::text, "enforce, or observe: counted only"},
    {"asked_by", Kind::text, "rules, or every request"},
    {"asked", Kind::counter, "requests that were measured"},
    {"over", Kind::counter, "of these, over the limit"},
    {"memory_bytes", Kind::number, "its tables, which do not grow"},
};
constexpr Table limit_tables[]{{"limits", Shape::rows, "every [[limit]]", limit_columns}};

constexpr Column ban_columns[]{
    {"source", Kind::text, "an address or a prefix", true},
    {"seconds_left", Kind::number, "for how long yet"},
    {"why", Kind::text, "the limit that it exceeded, or the operator"},
};
constexpr Column banned_columns[]{{"banned", Kind::number, "how many are, listed or not"}};
constexpr Table ban_tables[]{
    {"bans", Shape::rows, "who is shut out; with 'first' at most so many", ban_columns},
    {"total", Shape::members, "how many are shut out", banned_columns},
};

constexpr Column top_source_columns[]{
    {"limit", Kind::text, "which limit counts it", true},
    {"who", Kind::text, "a source, a prefix, a user, a pool", true},
    {"per_second", Kind::real, "its rate"},
    {"over", Kind::counter, "how many of its requests were over the limit"},
    {"verdict", Kind::text, "below, observed, or what becomes of it"},
};
constexpr Table top_source_tables[]{{"top_sources", Shape::rows, "the busiest of every limit", top_source_columns}};

}  // namespace

constinit const Command rules_command{"rules", "every [[rule]]: what it does and how many messages matched",
                                      rule_tables, rules_report};
constinit const Command limits_command{"limits", "every [[limit]]: how often it was asked and exceeded", limit_tables,
                                       limits_report};
constinit const Command bans_command{.name = "bans",
                                     .help = "who is shut out, for how long yet, and why",
                                     .tables = ban_tables,
                                     .report = bans_report,
                                     .arguments = "[first NUMBER]",
                                     .brief = "first 100"};
constinit const Command top_sources_command{"top-sources", "who sends most, of those that limits count",
                                            top_source_tables, top_sources_report};

}  // namespace viaduct::control
