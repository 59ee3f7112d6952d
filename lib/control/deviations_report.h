// `show deviations`: who leaves the standard, in which section, how often, with the packet; and the same as a page to
// send to a carrier.
#pragma once

#include "control/commands.h"

namespace viaduct::control {

extern const Command deviations_command;

}  // namespace viaduct::control
