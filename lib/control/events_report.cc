#include "control/events_report.h"

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

Report events_report(const Status& status, Arguments arguments) {
  uint64_t since = 0;
  if (!arguments.empty()) {
    const bool named = arguments.size() == 2 && arguments[0] == "since";
    const auto number = named ? core::whole_number<uint64_t>(arguments[1]) : std::nullopt;
    if (!number) return refusal("'show events since NUMBER' is expected, with the number of the last event you have");
    since = *number;
  }
  Report rows = Report::array();
  uint64_t last = 0;
  if (status.events != nullptr) {
    for (const Event& event : status.events->kept()) {
      last = event.number;
      if (event.number > since) rows.push_back(event_row(event));
    }
  }
  return {{"last", last}, {"events", std::move(rows)}};
}

constexpr Column event_columns[]{
    {"number", Kind::number, "counts from 1; a gap is what was too old to be kept", true},
    {"time", Kind::text, "when, in the machine's time zone"},
    {"kind", Kind::text, "health, pool, operator, reload, names, port, ban, overload, capture, log, start"},
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
    .arguments = "since NUMBER"};

std::string event_text(const Event& event) {
  return fmt::format("{}  {}  {}  {}  {}\n", event.number, wall_time(event.time), event.kind,
                     event.subject.empty() ? "-" : event.subject, event.what);
}

std::string event_json(const Event& event) { return json_line(event_row(event)) + '\n'; }

}  // namespace viaduct::control
