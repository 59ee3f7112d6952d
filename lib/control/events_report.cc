#include "control/events_report.h"

#include <algorithm>
#include <array>
#include <string>

#include "control/json_line.h"
#include "control/words.h"
#include "core/number.h"
#include "fmt/format.h"

namespace viaduct::control {
namespace {

Report event_row(const Event& event) {
  const auto since_epoch = std::chrono::duration_cast<std::chrono::milliseconds>(event.time.time_since_epoch());
  return {{"number", event.number},      {"time", wall_time(event.time)},
          {"kind", text_of(event.kind)}, {"subject", event.subject},
          {"what", event.what},          {"unix_ms", since_epoch.count()}};
}

// All of them, with commas between.
constexpr auto event_kinds_text = [] {
  std::array<char, 128> text{};
  char* out = text.data();
  for (const std::string_view word : event_kind_words) {
    if (out != text.data()) out = std::ranges::copy(std::string_view(", "), out).out;
    out = std::ranges::copy(word, out).out;
  }
  return text;
}();
constexpr std::string_view event_kinds = event_kinds_text.data();

std::optional<EventKind> kind_named(std::string_view word) {
  const auto found = std::ranges::find(event_kind_words, word);
  if (found == event_kind_words.end()) return std::nullopt;
  return static_cast<EventKind>(found - event_kind_words.begin());
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
    if (arguments[i] == "kind") {
      wanted.kind = kind_named(arguments[i + 1]);
      if (!wanted.kind) return std::nullopt;
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
  return fmt::format("{}  {}  {}  {}  {}\n", event.number, wall_time(event.time), text_of(event.kind),
                     event.subject.empty() ? "-" : event.subject, event.what);
}

std::string event_json(const Event& event) { return json_line(event_row(event)) + '\n'; }

}  // namespace viaduct::control
