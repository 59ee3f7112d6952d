// What the server side of a transport does to the top Via, and what it means for the answer
// (RFC 3261 section 18.2.1, RFC 3581 section 4).
//
// The address a message came from is the only one of its claims that is not a claim. So `received` is always our own
// word, a value the client gave is replaced, and every answer goes to the source address: to its port if the client
// asked for that with rport, else to the port of sent-by (TRQ-01 to TRQ-09, SEC-25).
#pragma once

#include <array>
#include <string_view>

#include "net/address.h"
#include "sip/message.h"

namespace viaduct::proxy {

struct Stamp {
  // What stands in place of `at`: rport and received, in the order of their places; one patch if those are one place.
  struct Patch {
    sip::Slice at;
    bool received_before = false, rport = false, received = false;
  };
  size_t count = 0;
  std::array<Patch, 2> patches;

  static constexpr size_t patch_bytes_max = 96;
  // Writes the text of a patch, at most so many octets and some of them behind its end, and returns that.
  static char* write(const Patch& patch, const net::Endpoint& source, char* out);
};

// The stamp on the top Via of a request from `source`. A Via that is not well-formed is left as it is.
Stamp stamp_top_via(const sip::Message& message, const net::Endpoint& source, bool force_rport);

// Where that stamp sends the answer: to the source, if the Via is not well-formed.
net::Endpoint answer_address(const sip::Message& message, const net::Endpoint& source, bool force_rport);

// Where a response goes whose top Via is now `via` (RFC 3261 section 18.2.2): received, else sent-by. False if these
// are no addresses: we stamp every name, so a name without `received` cannot be an answer to us (RSP-12).
bool response_destination(std::string_view bytes, const sip::Via& via, net::Endpoint& destination);

}  // namespace viaduct::proxy
