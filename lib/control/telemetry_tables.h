// What `show` tells, as tables for DPDK's telemetry, which knows whole numbers and short texts alone.
//
// Names and numbers are those of the reports' columns, but: a flag is 0 or 1, a column with a fraction is a
// thousandfold whole number and says so (`busy_percent_x1000`), a `.` in a name is a `_`, and what is null or a list is
// not there.
#pragma once

#include <vector>

#include "control/status.h"
#include "dpdk/telemetry.h"

namespace viaduct::control {

std::vector<dpdk::TelemetryTable> telemetry_tables(const Status& status);

}  // namespace viaduct::control
