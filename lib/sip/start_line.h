// Request-Line and Status-Line (RFC 3261 sections 7.1 and 7.2).
#pragma once

#include "sip/message.h"

namespace viaduct::sip {

// True if `line` starts like "SIP/", any case: a response.
bool is_status_line(std::string_view line);

// Read `message.start_line`, fill what it holds, note the first fault. `method_end` is the end of the token at its
// start.
void read_request_line(Message& message, uint16_t method_end);
void read_status_line(Message& message);

}  // namespace viaduct::sip
