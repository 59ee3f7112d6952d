#include "proxy/record_route.h"

#include <cstring>

#include "proxy/cookie.h"
#include "proxy/flow_token.h"
#include "sip/charset.h"

namespace viaduct::proxy {
namespace {

using telemetry::Reason;

// One value names one socket, and with a token the client behind it.
struct Leg {
  uint16_t socket = none;
  std::optional<Flow> flow;
};

Leg egress_leg(const Request& request) {
  const Target& target = request.target;
  if (target.backend != none) return {target.socket, std::nullopt};
  return {target.socket, Flow{target.socket, target.next_hop}};
}

Leg arrival_leg(const Request& request) {
  const uint16_t socket = request.arrival.socket;
  if (request.from_inside) return {socket, std::nullopt};
  return {socket, Flow{socket, request.arrival.source}};
}

// The backend at either end of the message.
uint16_t backend_of(const Request& request) {
  return request.target.backend != none ? request.target.backend : request.sender;
}

// `params` follow the address.
void put_value(Edits& edits, std::string_view name, const Request& request, const Leg& leg, std::string_view params) {
  edits.put(name);
  edits.put(": <sip:");
  if (leg.flow) {
    put_flow_token(edits, request.view, *leg.flow, request.foresight.flow(*leg.flow));
    edits.put('@');
  }
  edits.put(request.view.sockets[leg.socket].text);
  edits.put(params);
  edits.put(">\r\n");
}

void edit_values(const Request& request, sip::Header header, std::string_view name, uint16_t after_vias,
                 std::string_view params, Edits& edits) {
  const Leg egress = egress_leg(request);
  const Leg arrival = arrival_leg(request);
  edits.begin_text();
  if (egress.socket == arrival.socket) {
    put_value(edits, name, request, egress.flow ? egress : arrival, params);
  } else {
    put_value(edits, name, request, egress, params);
    put_value(edits, name, request, arrival, params);
  }
  const sip::Row* above = request.message.row_of(header);
  edits.insert(above != nullptr ? above->begin : after_vias);
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

bool wants_record_route(const Request& request) {
  const View& view = request.view;
  return opens_dialog(request.message) &&
         (request.listener.record_route || view.listeners[view.sockets[request.target.socket].listener].record_route);
}

bool wants_path(const Request& request) {
  return request.message.method == sip::Method::register_ && !request.from_inside &&
         request.listener.path != PathMode::off;
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
  const bool record_route = opens_dialog(message) &&
                            (listener.record_route || view.listeners[view.sockets[egress].listener].record_route);
  const bool path = message.method == sip::Method::register_ && listener.path != PathMode::off;
  return {.cookie = record_route, .flow = record_route || path};
}

std::optional<Refusal> check_path(const Request& request) {
  if (!wants_path(request) || request.listener.path != PathMode::auto_ || supports_path(request)) return std::nullopt;
  return refusal_for(Reason::path_required, Extra::require_path);
}

void edit_record_route(const Request& request, uint16_t after_vias, Edits& edits) {
  if (!wants_record_route(request)) return;
  constexpr std::string_view plain = ";lr", marked = ";lr;vd=";
  const uint16_t backend = backend_of(request);
  char params[64];
  std::string_view text = plain;
  if (backend != none) {
    const CookieText cookie(request.view, request.text(request.message.call_id), backend,
                            request.foresight.cookie(backend));
    static_assert(marked.size() + sizeof cookie <= sizeof params);
    std::memcpy(params, marked.data(), marked.size());
    std::memcpy(params + marked.size(), cookie.view().data(), cookie.view().size());
    text = {params, marked.size() + cookie.view().size()};
  }
  edit_values(request, sip::Header::record_route, "Record-Route", after_vias, text, edits);
}

// Without `ob`: outbound (RFC 5626) wants a STUN server on this port, which we are not (D-14).
void edit_path(const Request& request, uint16_t after_vias, Edits& edits) {
  if (!wants_path(request)) return;
  edit_values(request, sip::Header::path, "Path", after_vias, ";lr", edits);
  if (!request.listener.require_path) return;
  edits.begin_text();
  edits.put("Require: path\r\n");
  const sip::Row* above = request.message.row_of(sip::Header::require);
  edits.insert(above != nullptr ? above->begin : after_vias);
}

}  // namespace viaduct::proxy
