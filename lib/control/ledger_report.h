// `show info`, `show stat` and `show drops`: what this is, and where every message went.
#pragma once

#include "control/commands.h"

namespace viaduct::control {

extern const Command info_command;
extern const Command stat_command;
extern const Command drops_command;

std::string_view text_of(telemetry::LedgerTerm term);  // "dropped"

// Over all workers.
uint64_t sum(const Status& status, const telemetry::Counter telemetry::WorkerCounters::*counter);
uint64_t counted(const Status& status, telemetry::Reason reason);

// The zero for what is shown since a reset: what the counters say now.
Baseline baseline_of(const Status& status);

}  // namespace viaduct::control
