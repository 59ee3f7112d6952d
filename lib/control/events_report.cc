#include "control/events_report.h"

#include <algorithm>
#include <string>

#include "control/json_line.h"
#include "control/words.h"
#include "core/number.h"
#include "fmt/format.h"

namespace viaduct::control {
namespace {

Report event_row(const Event& event) {
  const auto since_epoch = std::chrono::duration_cast<std::chrono::milliseconds>(event.time.time_since_epoch());
  return {{"number", event.number}, {"time", wall_time(event.time)}, {"kind", event.kind}, {"subject", event.subject},
          {"what", event.what},     {"unix_ms", since_epoch.count()}};
}

constexpr std::string_view event_kinds =
    "health, pool, operator, reload, names, port, ban, overload, capture, log, start";

bool is_kind(std::string_view word) {
  std::string_view rest = event_kinds;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(", "), rest.size());
    if (rest.substr(0, end) == word) return true;
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  return false;
}

Report events_report(const Status& status, Arguments arguments) {
  const auto wanted = events_wanted(arguments);
  if (!wanted) return refusal(events_expected("show events"));
  Report rows = Report::array();
  uint64_t last = 0;
  if (status.events != nullptr) {
    for (const Event& event : status.events->kept()) {
      last = event.number;
      if (wanted->takes(event)) rows.push_back(event_row(event));
    }
  }
  return {{"last", last}, {"events", std::move(rows)}};
}

constexpr Column event_columns[]{
    {"number", Kind::number, "counts from 1; a gap is what was too old to be kept", true},
    {"time", Kind::text, "when, in the machine's time zone"},
    {"kind", Kind::text, event_kinds},
    {"subject", Kind::text, "who or what changed"},
    {"what", Kind::text, "what happened"},
    {"unix_ms", Kind::number, "when, in ms since 1970"},
};
constexpr Column last_columns[]{{"last", Kind::number, "number of the newest event"}};
constexpr Table event_tables[]{
    {"events", Shape::rows,
     "the last changes, at most 512, the oldest first; of the kind that has most the oldest give way", event_columns},
    {"position", Shape::members, "where a reader goes on", last_columns},
};

}  // namespace

constinit const Command events_command{
    .name = "events",
    .help = "what came and went lately: backends, bans, operators' commands, reloads",
    .tables = event_tables,
    .report = events_report,
    .arguments = "[since NUMBER] [kind KIND]"};

std::optional<EventsWanted> events_wanted(Arguments arguments) {
  EventsWanted wanted;
  if (arguments.size() % 2 != 0) return std::nullopt;
  for (size_t i = 0; i < arguments.size(); i += 2) {
    if (arguments[i] == "kind" && is_kind(arguments[i + 1])) {
      wanted.kind = arguments[i + 1];
      continue;
    }
    const auto number = arguments[i] == "since" ? core::whole_number<uint64_t>(arguments[i + 1]) : std::nullopt;
    if (!number) return std::nullopt;
    wanted.since = *number;
  }
  return wanted;
}

std::string events_expected(std::string_view command) {
  return fmt::format(
      "'{} [since NUMBER] [kind KIND]' is expected, with the number of the last event you have, and a kind of {}",
      command, event_kinds);
}

std::string event_text(const Event& event) {
  return fmt::format("{}  {}  {}  {}  {}\n", event.number, wall_time(event.time), event.kind,
                     event.subject.empty() ? "-" : event.subject, event.what);
}

std::string event_json(const Event& event) { return json_line(event_row(event)) + '\n'; }

}  // namespace viaduct::control
