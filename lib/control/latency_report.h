// `show latency`: how fast backends answer, and with what.
#pragma once

#include "control/commands.h"

namespace viaduct::control {

extern const Command latency_command;

}  // namespace viaduct::control
