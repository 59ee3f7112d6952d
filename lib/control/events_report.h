// `show events`, and a single event as `events follow` tells it.
#pragma once

#include "control/commands.h"

namespace viaduct::control {

extern const Command events_command;

// One line each.
std::string event_text(const Event& event);
std::string event_json(const Event& event);

}  // namespace viaduct::control
