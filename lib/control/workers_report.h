// What `show workers` says: load, hand-off, where the cycles go, how large bursts are.
#pragma once

#include "control/commands.h"
#include "control/status.h"

namespace viaduct::control {

Report workers_report(const Status& status);

}  // namespace viaduct::control
