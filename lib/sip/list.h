// Comma-separated lists.
#pragma once

#include "sip/cursor.h"

namespace viaduct::sip {

// Moves `in` to the comma that ends the value, or to the end of the row. False if a quote or bracket is left open
// (PAR-07).
bool skip_value(Cursor& in);

}  // namespace viaduct::sip
