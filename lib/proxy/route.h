// Route preprocessing (RFC 3261 section 16.4), and the strict routers of RFC 2543 on both sides (16.6 step 6).
//
// What the previous element put into Route for us comes off: our own values, as many as one pass of a message through
// us has written (RFC 5658: one for each side). What they carry is read on the way: the flow token, the cookie, and
// which of our sockets they name.
#pragma once

#include <array>
#include <optional>

#include "proxy/cookie.h"
#include "proxy/edits.h"
#include "proxy/flow_token.h"
#include "proxy/refusal.h"
#include "sip/message.h"

namespace viaduct::proxy {

struct Request;

// A URI of the message, and what is left out when it is written elsewhere.
struct UriForm {
  sip::Uri uri;
  bool without_maddr = false;    // and port and transport: they were about reaching us (RFC 3261 section 16.4)
  bool without_headers = false;  // and method: not allowed in a Request-URI (section 19.1.1, table 1)
};
void put_uri(Edits& edits, std::string_view bytes, const UriForm& form);

struct Route {
  explicit Route(const sip::Uri& of_request) { request_uri.uri = of_request; }  // initialized, it came by REP MOVS

  // The values as received; those in [first, last) remain. Nothing is said of those from `count` on, not even zero: a
  // slice in each of them would be cleared for every request, which takes longer than all the rest about routes.
  struct Value {
    uint16_t begin, end;  // of its text
    uint16_t row;         // index into Message::rows
    sip::Slice text() const { return {begin, end}; }
  };
  std::array<Value, sip::route_values_max> values;
  uint16_t count = 0;
  uint16_t first = 0;
  uint16_t last = 0;

  // From our own values that came off.
  uint16_t popped_socket = none;  // that the last of them names
  Flow flow;
  Cookie cookie;
  sip::Slice cookie_text;

  UriForm request_uri;  // as it leaves
  bool request_uri_changed = false;
  std::optional<UriForm> appended;  // the old Request-URI as last Route value, toward a strict router
  std::optional<sip::Uri> next;     // the first value that was left: the next hop, strict or loose
};

std::optional<Refusal> preprocess_route(Request& request);
// Nothing is to be done: there is no Route, and the Request-URI names no place beside its host.
inline bool needs_no_preprocessing(const sip::Message& message) {
  return !message.has(sip::Header::route) && message.request_uri.maddr.empty();
}

// Addressed to us, and to nobody behind us (OPT-01): for OPTIONS. Who asks for us names the address he sends to, or an
// alias; a request that names another address of ours than it came to is balanced like any other (TOR-65).
bool is_request_uri_ours(const Request& request);

// The edits that follow from the above: Route rows and Request-URI.
void edit_route(const Request& request, Edits& edits);

}  // namespace viaduct::proxy
