// `show rules`, `show limits`, `show bans` and `show top-sources`: what operators forbid, and whom it meets.
#pragma once

#include "control/commands.h"

namespace viaduct::control {

extern const Command rules_command;
extern const Command limits_command;
extern const Command bans_command;
extern const Command top_sources_command;

}  // namespace viaduct::control
