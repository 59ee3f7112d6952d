// Where the log goes and how a line looks. There is one log, spdlog's; this sets it up.
//
//   text   2026-11-21 05:42:03.120 info ...     for people; where stderr is the journal, its own protocol
//   keys   time=2026-11-21T05:42:03.120Z level=info message="..."
//   json   {"time":"2026-11-21T05:42:03.120Z","level":"info","message":"..."}
//
// In the journal a line has PRIORITY, and `keys` and `json` go there as lines with the priority in front. Changes that
// `events` tells have their number, kind and subject as fields in keys, json and the journal (VIADUCT_EVENT and
// others). No kind of line floods the log (log_throttle.h). Nobody waits for a journal or a pipe that is full: lines
// are lost, and how many is told with the next one that finds room. Safe from any thread; nothing here is on a
// message's way.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "control/journal.h"
#include "core/log.h"
#include "core/result.h"

namespace viaduct::control {

struct Event;

enum class LogFormat : uint8_t { text, keys, json };

struct LogOptions {
  LogFormat format = LogFormat::text;
  std::string file = {};  // empty: stderr
  std::string level = "info";
  std::string journal_socket = std::string(Journal::standard_path);
};

core::Status open_log(const LogOptions& options);
// The same file opened anew, for who rotates logs by renaming them. Nothing happens without a file.
core::Status reopen_log();

inline constexpr std::string_view log_levels = "debug, info, warning and error";
bool set_log_level(std::string_view level);  // false: there is none of that name

struct LogLine {
  std::string text;
  spdlog::level::level_enum level = spdlog::level::info;
};
// A line that has the event's number, kind and subject as fields, where the format has fields.
void log_event(const Event& event, const LogLine& line);
// As a file gets it, without the line end. `event` may be null.
std::string log_line(LogFormat format, std::chrono::system_clock::time_point time, std::string_view level,
                     std::string_view message, const Event* event);

}  // namespace viaduct::control
