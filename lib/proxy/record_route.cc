#include "proxy/record_route.h"

#include "proxy/cookie.h"
#include "proxy/digits.h"
#include "proxy/flow_token.h"
#include "proxy/phrase.h"
#include "sip/charset.h"

namespace viaduct::proxy {
namespace {

using telemetry::Reason;

// One value names one socket, and with a token the client behind it.
struct Leg {
  uint16_t socket = none;
  const net::Endpoint* client = nullptr;
};

Leg egress_leg(const Request& request) {
  const Target& target = request.target;
  return {target.socket, target.backend != none ? nullptr : &target.next_hop};
}

Leg arrival_leg(const Request& request) {
  const uint16_t socket = request.arrival.socket;
  return {socket, request.from_inside ? nullptr : &request.arrival.source};
}

// The backend at either end of the message.
uint16_t backend_of(const Request& request) {
  return request.target.backend != none ? request.target.backend : request.sender;
}

// What stands behind `lr`: the cookie, or nothing.
struct Tail {
  const ShortPhrase* cookie = nullptr;
  Octets mac = {};

  char* write(char* out) const {
    if (cookie != nullptr) {
      out = cookie->write(out);
      store_octets(mac, out);
      out += cookie_mac_digits;
    }
    return write_text(">\r\n", out);
  }
};

// Writes the row, and some octets behind it: `head` up to the address or its userinfo.
char* write_value(char* out, const ShortPhrase& head, const Request& request, const Leg& leg, const Tail& tail) {
  out = head.write(out);
  if (leg.client != nullptr) {
    const steer::Hash128* const mac = request.foresight.flow(leg.socket, *leg.client);
    out = write_flow_token(out, request.view, leg.socket, *leg.client, mac);
    *out++ = '@';
  }
  out = request.view.sockets[leg.socket].uri.write(out);
  return tail.write(out);
}

char* write_values(char* out, const ShortPhrase& head, const Request& request, const Tail& tail) {
  const Leg egress = egress_leg(request);
  const Leg arrival = arrival_leg(request);
  if (egress.socket == arrival.socket) {
    return write_value(out, head, request, egress.client != nullptr ? egress : arrival, tail);
  }
  out = write_value(out, head, request, egress, tail);
  return write_value(out, head, request, arrival, tail);
}

// By one static rule for each method, so that the NOTIFYs of a subscription are treated as its SUBSCRIBE was (RRT-07).
// A NOTIFY can establish the dialog, and has a To tag even then; of the others only those without one open a dialog.
bool opens_dialog(const sip::Message& message) {
  switch (message.method) {
    case sip::Method::notify: return true;
    case sip::Method::invite:
    case sip::Method::subscribe:
    case sip::Method::refer:
    case sip::Method::other: return !message.has_to_tag;
    default: return false;
  }
}

bool supports_path(const Request& request) {
  for (sip::ValueWalk walk(request.message, sip::Header::supported); walk.next();) {
    if (sip::equals_ignoring_case(request.text(walk.value()), "path")) return true;
  }
  return false;
}

}  // namespace

Records records_of(const sip::Message& message, const View& view, const Listener& listener, uint16_t egress) {
  if (egress == none) return {};
  const bool record_route = opens_dialog(message) && (listener.record_route || listener_of(view, egress).record_route);
  const bool path = message.method == sip::Method::register_ && listener.path != PathMode::off;
  return {.cookie = record_route, .flow = record_route || path};
}

std::optional<Refusal> check_path(const Request& request) {
  if (!wants_path(request) || request.listener.path != PathMode::auto_ || supports_path(request)) return std::nullopt;
  return refusal_for(Reason::path_required, Extra::require_path);
}

bool wants_record_route(const Request& request) {
  const View& view = request.view;
  return opens_dialog(request.message) &&
         (request.listener.record_route || listener_of(view, request.target.socket).record_route);
}

bool wants_path(const Request& request) {
  return request.message.method == sip::Method::register_ && !request.from_inside &&
         request.listener.path != PathMode::off;
}

char* write_record_route(const Request& request, char* out) {
  static constexpr ShortPhrase head("Record-Route: <sip:");
  const uint16_t index = backend_of(request);
  if (index == none) return write_values(out, head, request, {});
  const Backend& backend = request.view.backends[index];
  const uint64_t* const foreseen = request.foresight.cookie(backend.cookie_id);
  const uint64_t mac =
      foreseen ? *foreseen : cookie_mac(request.view.keys, request.text(request.message.call_id), backend.cookie_id);
  return write_values(out, head, request, {&backend.cookie, base32_of_number(mac)});
}

// Without `ob`: outbound (RFC 5626) wants a STUN server on this port, which we are not (D-14).
char* write_path(const Request& request, char* out) {
  static constexpr ShortPhrase head("Path: <sip:");
  return write_values(out, head, request, {});
}

}  // namespace viaduct::proxy
