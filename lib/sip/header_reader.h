// Reads the rows of a message in their order: locates those a proxy needs and interprets them.
#pragma once

#include "sip/message.h"
#include "sip/scan.h"

namespace viaduct::sip {

// Reads all rows behind the start line, which has been read. Whatever was known of them is forgotten.
void read_rows(Message& message, const Scan& scan);

// Reads one row, the first of its header or a further Via.
void read_row(Message& message, const Row& row);

// After that: what is missing, and what can be said of the whole only. Routes are looked at unless they are known to be
// well-formed and few.
void check_headers(Message& message, bool routes_well_formed = false);

}  // namespace viaduct::sip
