// `show config`: what is configured and in force, defaults included, secrets not.
#pragma once

#include "control/commands.h"

namespace viaduct::control {

extern const Command config_command;

}  // namespace viaduct::control
