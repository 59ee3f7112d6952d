// The request as it leaves (RFC 3261 section 16.6): everything that was not read stays as it was, byte for byte.
#pragma once

#include "proxy/edits.h"
#include "proxy/own_via.h"
#include "proxy/request.h"

namespace viaduct::proxy {

// Returns what is to be known of our branch.
OwnBranch edit_request(const Request& request, Edits& edits);

// Behind the last Via row: where rows go that have no place of their own.
uint16_t after_vias(const sip::Message& message);

// What requests and responses have in common: line ends before the start line go (PAR-18), the version is written in
// upper case (PAR-09).
void edit_start(const sip::Message& message, Edits& edits);

}  // namespace viaduct::proxy
