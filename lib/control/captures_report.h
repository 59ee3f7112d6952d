// What `show captures` says: who gets copies of messages, and how many were missed.
#pragma once

#include "control/commands.h"

namespace viaduct::control {

extern const Command captures_command;

}  // namespace viaduct::control
