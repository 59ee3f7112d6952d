// host [ ":" port ] of URIs and Via sent-by (RFC 3261 section 25.1).
#pragma once

#include "sip/cursor.h"
#include "sip/message.h"

namespace viaduct::sip {

// Reads a host name, an IPv4 address or an IPv6 reference in brackets at `in`. False if there is none.
// The text of an IPv6 reference is checked for its alphabet only: peers write forms that the grammar does not have but
// that everybody understands (RFC 5118 section 4.10).
bool read_host(Cursor& in, Host& host);

}  // namespace viaduct::sip
