// `show events`, and a single event as `events follow` tells it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "control/commands.h"
#include "control/events.h"

namespace viaduct::control {

extern const Command events_command;

// Which events are wanted.
struct EventsWanted {
  uint64_t since = 0;             // only those behind this number
  std::optional<EventKind> kind;  // only of this one

  bool takes(const Event& event) const { return event.number > since && (!kind || event.kind == *kind); }
};
// Of `since NUMBER` and `kind KIND`, each or neither; nothing where they are something else.
std::optional<EventsWanted> events_wanted(Arguments arguments);
// What then is expected.
std::string events_expected(std::string_view command);

// One line each.
std::string event_text(const Event& event);
std::string event_json(const Event& event);

}  // namespace viaduct::control
