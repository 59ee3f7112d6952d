// What `show overload` says: what is refused because there is too much of it, and who asks for less.
#pragma once

#include "control/commands.h"

namespace viaduct::control {

extern const Command overload_command;

}  // namespace viaduct::control
