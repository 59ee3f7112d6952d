// `show backends` and `show health`: who comes and who goes.
#pragma once

#include "control/commands.h"

namespace viaduct::control {

extern const Command backends_command;
extern const Command health_command;

}  // namespace viaduct::control
