// `show ports`, `show neighbors` and `show names`: the network around.
#pragma once

#include "control/commands.h"

namespace viaduct::control {

extern const Command ports_command;
extern const Command neighbors_command;
extern const Command names_command;

}  // namespace viaduct::control
