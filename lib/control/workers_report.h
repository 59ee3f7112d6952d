// What `show workers` says: load, hand-off, where the cycles go, how large bursts are.
#pragma once

#include "control/commands.h"

namespace viaduct::control {

extern const Command workers_command;

}  // namespace viaduct::control
