// What the server side of a transport does to the top Via, and what it means for the answer
// (RFC 3261 section 18.2.1, RFC 3581 section 4).
//
// The address a message came from is the only one of its claims that is not a claim. So `received` is always our own
// word, a value the client gave is replaced, and every answer goes to the source address: to its port if the client
// asked for that with rport, else to the port of sent-by (TRQ-01 to TRQ-09, SEC-25).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "net/address.h"
#include "sip/message.h"

namespace viaduct::proxy {

// What a stamp puts into one place, in this order.
enum class Stamp : uint8_t { rport, received, rport_received, received_rport };

inline constexpr size_t stamp_bytes_max = 96;
// Writes its text, at most so many octets and some of them behind its end, and returns that.
char* write_stamp(Stamp stamp, const net::Endpoint& source, char* out);

// Whether the sent-by of the top Via says that the message came from there.
bool is_sent_by(const sip::Message& message, const net::IpAddress& address);

// The stamp on the top Via of a request from `source`: `put(at, stamp)` for each place whose octets it replaces, in
// ascending order, one place or two; none if the Via is not well-formed, which is left as it is, or needs no stamp.
template <class Put>
[[gnu::always_inline]] inline void stamp_top_via(const sip::Message& message, const net::Endpoint& source,
                                                 bool force_rport, Put put) {
  const sip::Via& top = message.via[0];
  if (message.via_count == 0 || !top.well_formed) return;
  const sip::Slice end{top.value.end, top.value.end};
  const sip::Slice received_at = top.has_received ? top.received_param : end;
  if (!top.has_rport && !force_rport) {
    if (top.has_received || !is_sent_by(message, source.address)) put(received_at, Stamp::received);
    return;
  }
  const sip::Slice rport_at = top.has_rport ? top.rport_param : end;
  const bool received_first = received_at.begin < rport_at.begin;
  const sip::Slice first = received_first ? received_at : rport_at, second = received_first ? rport_at : received_at;
  if (first.end == second.begin) {
    put({first.begin, second.end}, received_first ? Stamp::received_rport : Stamp::rport_received);
  } else {
    put(first, received_first ? Stamp::received : Stamp::rport);
    put(second, received_first ? Stamp::rport : Stamp::received);
  }
}

// Where that stamp sends the answer: to the source, if the Via is not well-formed.
net::Endpoint answer_address(const sip::Message& message, const net::Endpoint& source, bool force_rport);

// Where a response goes whose top Via is now `via` (RFC 3261 section 18.2.2): received, else sent-by. False if these
// are no addresses: we stamp every name, so a name without `received` cannot be an answer to us (RSP-12).
bool response_destination(std::string_view bytes, const sip::Via& via, net::Endpoint& destination);

}  // namespace viaduct::proxy
