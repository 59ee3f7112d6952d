// `show backends`, `show health` and `show events`: who comes and who goes.
#pragma once

#include "control/commands.h"

namespace viaduct::control {

Report backends_report(const Status& status);
Report health_report(const Status& status);
Report events_report(const Status& status);

}  // namespace viaduct::control
