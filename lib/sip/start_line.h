// Request-Line and Status-Line (RFC 3261 sections 7.1 and 7.2).
#pragma once

#include "sip/message.h"

namespace viaduct::sip {

// Reads the start line in the row [begin, next) of the datagram, whose first token ends at `token_end` and is "SIP" in
// a response; fills what it holds, notes the first fault.
void read_start_line(Message& message, uint16_t begin, uint16_t next, uint16_t token_end);

}  // namespace viaduct::sip
