// Reads the rows of a message in their order: locates those a proxy needs and interprets them.
#pragma once

#include "sip/message.h"
#include "sip/scan.h"

namespace viaduct::sip {

// Reads all rows behind the start line, which has been read.
void read_rows(Message& message, const Scan& scan);

// After that: what is missing, and what can be said of the whole only.
void check_headers(Message& message);

}  // namespace viaduct::sip
