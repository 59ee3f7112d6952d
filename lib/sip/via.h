// One Via value (RFC 3261 sections 20.42 and 25.1, `via-parm`).
#pragma once

#include "sip/cursor.h"
#include "sip/fault.h"
#include "sip/message.h"

namespace viaduct::sip {

inline constexpr size_t via_params_max = 64;  // in one value; keeps the search for repetitions bounded

// Reads the value that starts at `in`, white space allowed around each of its parts (PAR-08), and leaves `in` at the
// comma or the end after it. `via` is filled as far as it can be read; `removal` is the caller's. The fault is
// none, via_malformed or via_param_repeated.
Fault read_via(Cursor& in, Via& via, Deviations& deviations);

}  // namespace viaduct::sip
