// Staying in the path: Record-Route for dialogs (RFC 3261 section 16.6 step 4), Path for registrations (RFC 3327).
//
// Where a request crosses from one socket to another there are two values (RFC 5658): the side it leaves by on top, the
// side it came in by below; both come off together on the way back. The value of the client's side holds the flow token
// in its userinfo; both hold the cookie, since a strict router may copy either into a Request-URI.
#pragma once

#include <optional>

#include "proxy/flow_token.h"
#include "proxy/phrase.h"
#include "proxy/refusal.h"
#include "proxy/request.h"

namespace viaduct::proxy {

// 421 for a REGISTER that must get a Path and cannot (NAT-02).
std::optional<Refusal> check_path(const Request& request);

// What a balanced request wants for its rows if it arrived on `listener`, outside, and leaves from socket `egress`.
struct Records {
  bool cookie = false;
  bool flow = false;  // of the socket on which it arrived, with its source
};
Records records_of(const sip::Message& message, const View& view, const Listener& listener, uint16_t egress);

bool wants_record_route(const Request& request);
bool wants_path(const Request& request);
// Write the rows, at most so many octets and some behind them, and return where they end.
inline constexpr size_t route_rows_bytes_max = 2 * (3 * Phrase::bytes_max + flow_token_v6_size);
char* write_record_route(const Request& request, char* out);
char* write_path(const Request& request, char* out);

}  // namespace viaduct::proxy
