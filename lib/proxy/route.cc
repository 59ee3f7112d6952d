#include "proxy/route.h"

#include <algorithm>

#include "proxy/own.h"
#include "proxy/request.h"
#include "sip/charset.h"

namespace viaduct::proxy {
namespace {

using telemetry::Reason;

bool collect(Request& request) {
  Route& route = request.route;
  sip::ValueWalk walk(request.message, sip::Header::route);
  while (walk.next()) {
    if (route.count == route.values.size()) return false;
    const auto row = static_cast<uint16_t>(&walk.row() - request.message.rows.data());
    route.values[route.count++] = {walk.value().begin, walk.value().end, row};
  }
  route.last = route.count;
  return !walk.bad();
}

bool read_value(const Request& request, uint16_t index, sip::Uri& uri) {
  sip::Slice text, params;
  const std::string_view bytes = request.message.bytes;
  return sip::parse_name_addr(bytes, request.route.values[index].text(), text, params) &&
         sip::parse_uri(bytes, text, uri);
}

Cookie cookie_in(const Request& request, sip::Slice vd) {
  if (const Cookie* const known = request.foresight.route_cookie(vd)) return *known;
  CookieClaim claim;
  if (!read_cookie(request.text(vd), claim)) return {};
  return verify_cookie(claim, request.view, request.text(request.message.call_id));
}

Flow flow_in(const Request& request, sip::Slice user) {
  if (const Flow* const known = request.foresight.route_flow(user)) return *known;
  FlowClaim claim;
  Flow flow;
  if (read_flow_token(request.text(user), claim)) verify_flow_token(claim, request.view, flow);
  return flow;
}

Ours is_own_uri(const Request& request, const sip::Uri& uri) {
  if (uri.scheme != sip::Scheme::sip) return {};
  return is_ours(request.view, request.message.bytes, uri.host);
}

// A strict router before us has put our own Record-Route value into the Request-URI, and the true one behind the last
// Route (RTE-01). Known by our mark alone: an address of ours may as well be a domain that we serve (RTE-02). A mark of
// ours comes back in dialogs only; a client that puts one into a new request wants it judged by another Request-URI
// than the one that leaves. Let through untouched its failure would be acknowledged with a To tag, and so under another
// Request-URI (RTE-10): it is refused.
std::optional<Refusal> undo_strict_route(Request& request) {
  const bool is_strangers = !request.from_inside && !request.message.has_to_tag;
  Route& route = request.route;
  for (uint16_t turn = 0; turn < Foresight::own_values_max && route.first < route.last; ++turn) {
    const sip::Uri& uri = route.request_uri.uri;
    if (!is_own_uri(request, uri)) return std::nullopt;
    if (!uri.vd.empty()) {
      const Cookie cookie = cookie_in(request, uri.vd);
      if (!cookie.verified && !request.from_inside) return refusal_for(Reason::token_invalid);
      if (!cookie.verified) return std::nullopt;
    } else if (!flow_in(request, uri.user).known()) {
      return std::nullopt;
    }
    if (is_strangers) return refusal_for(Reason::strict_route_refused);
    sip::Uri last;
    if (!read_value(request, --route.last, last)) return refusal_for(sip::Fault::route_malformed, true);
    route.request_uri = {.uri = last, .without_headers = true};
    route.request_uri_changed = true;
  }
  return std::nullopt;
}

// A domain that is served here is ours as well, at the port on which the request came (RFC 3261 section 16.4).
bool is_own_domain(const Request& request, const sip::Host& host) {
  const uint16_t port = host.port != 0 ? host.port : sip::default_port;
  return port == request.view.sockets[request.arrival.socket].address.port &&
         is_domain_of(request.listener, request.message.bytes, host);
}

// maddr that names us has done its work (RTE-03). Any other is the only target, which is the target's business
// (RTE-04).
void strip_own_maddr(Request& request) {
  UriForm& form = request.route.request_uri;
  if (form.uri.scheme != sip::Scheme::sip || form.uri.maddr.empty()) return;
  const std::string_view transport = request.text(form.uri.transport);
  if (!transport.empty() && !sip::equals_ignoring_case(transport, "udp")) return;
  const sip::Slice text = without_brackets(request.message.bytes, form.uri.maddr);
  sip::Host host{.text = text, .kind = sip::HostKind::name, .port = form.uri.host.port};
  if (net::parse_ip(request.text(text))) host.kind = sip::HostKind::ipv4;
  if (!is_ours(request.view, request.message.bytes, host) && !is_own_domain(request, host)) return;
  form.without_maddr = true;
  form.uri.maddr = {};
  request.route.request_uri_changed = true;
}

// Of two values of ours both have the same cookie; then once is enough.
Cookie cookie_of_value(const Request& request, sip::Slice vd) {
  const Route& route = request.route;
  if (vd.empty()) return {};
  if (route.cookie.verified && request.text(vd) == request.text(route.cookie_text)) return route.cookie;
  return cookie_in(request, vd);
}

// What an own value carries must be true: whoever changed it wants to be sent somewhere (RTE-11, RRT-10). A backend may
// copy a cookie into another call; from inside it is as if there were none.
std::optional<Refusal> take_own_value(Request& request, sip::Slice user, sip::Slice vd, const Cookie& cookie) {
  Route& route = request.route;
  if (!user.empty()) {
    const Flow flow = flow_in(request, user);
    if (!flow.known()) return refusal_for(Reason::token_invalid);
    route.flow = flow;
  }
  if (cookie.verified) {
    route.cookie = cookie;
    route.cookie_text = vd;
  } else if (!vd.empty() && !request.from_inside) {
    return refusal_for(Reason::token_invalid);
  }
  return std::nullopt;
}

// A value as we write it: known in advance, or recognized.
const OwnValue* find_own_value(const Request& request, sip::Slice text, OwnValue& room) {
  if (const OwnValue* const known = request.foresight.own_value(text)) return known;
  return read_own_value(request.message.bytes, text, request.view, room) ? &room : nullptr;
}

// What one pass of a message through us has written (record_route.h): one value, or two of two sockets, one of them
// with the flow token of a client.
struct Pass {
  uint16_t values = 0;
  uint16_t socket = none;
  bool has_token = false;

  bool takes(uint16_t another_socket, bool another_token) const {
    return values == 0 || (values == 1 && socket != another_socket && !(has_token && another_token));
  }
  void add(uint16_t another_socket, bool another_token) {
    ++values;
    socket = another_socket;
    has_token = has_token || another_token;
  }
};

// What one pass of ours has put there comes off (RFC 5658 section 5). If the next value is of another pass, the dialog
// runs through us more than once, and who was between the two does not record routes (LBG-14). From outside the request
// goes to him, the backend that the cookie names, and the value stays: by it he sends the request back to us, as he did
// with the INVITE. From inside it is as if we had sent it to ourselves. Only values that prove to be this call's are of
// a pass; two more may be there for other reasons, the address of an outbound proxy for one (RTE-06).
std::optional<Refusal> pop_own_values(Request& request) {
  Route& route = request.route;
  Pass pass;
  size_t unproven = 0;
  while (route.first < route.last) {
    OwnValue room;
    sip::Uri uri;
    uint16_t socket = none;
    const OwnValue* const own = find_own_value(request, route.values[route.first].text(), room);
    if (own == nullptr) {
      if (!read_value(request, route.first, uri)) return refusal_for(sip::Fault::route_malformed, true);
      const Ours ours = is_own_uri(request, uri);
      if (!ours) {
        route.next = uri;
        return std::nullopt;
      }
      socket = ours.socket;
    } else {
      socket = own->socket;
    }
    const sip::Slice user = own != nullptr ? own->user : uri.user;
    const sip::Slice vd = own != nullptr ? own->vd : uri.vd;
    const Cookie cookie = cookie_of_value(request, vd);
    if (cookie.verified) {
      if (!pass.takes(socket, !user.empty())) {
        if (!request.from_inside) return std::nullopt;
        pass = {};
      }
      pass.add(socket, !user.empty());
    } else if (unproven++ == Foresight::own_values_max) {
      return refusal_for(Reason::loop);
    }
    if (auto refusal = take_own_value(request, user, vd, cookie)) return refusal;
    if (socket != none) route.popped_socket = socket;
    ++route.first;
  }
  return std::nullopt;
}

// The next hop is a strict router: it wants itself in the Request-URI and the true one behind the last Route (RTE-09).
// From outside the next hop is a backend, and those are loose routers, whatever a client writes (TGT-08).
void do_strict_route(Request& request) {
  Route& route = request.route;
  if (!route.next || route.next->has_lr || !request.from_inside) return;
  route.appended = route.request_uri;
  route.request_uri = {.uri = *route.next, .without_headers = true};
  route.request_uri_changed = true;
  ++route.first;
}

// The name of the parameter that starts at the ';' of `params`, and where the next one starts.
std::string_view param_name(std::string_view params, size_t& next) {
  next = std::min(params.find(';', 1), params.size());
  return params.substr(1, std::min(params.find('=', 1), next) - 1);
}

// The edits that take `values` of one row out: [begin, end) are the row's, of which [first, last) stay.
void edit_row(const Request& request, uint16_t begin, uint16_t end, uint16_t first, uint16_t last, Edits& edits) {
  const Route& route = request.route;
  const sip::Row& row = request.message.rows[route.values[begin].row];
  if (first >= last) return edits.remove({row.begin, row.next});
  if (begin < first) edits.remove({route.values[begin].begin, route.values[first].begin});
  if (last < end) edits.remove({route.values[last - 1].end, route.values[end - 1].end});
}

void edit_rows(const Request& request, Edits& edits) {
  const Route& route = request.route;
  if (route.first == 0 && route.last == route.count) return;
  for (uint16_t begin = 0, end = 0; begin < route.count; begin = end) {
    while (end < route.count && route.values[end].row == route.values[begin].row) ++end;
    edit_row(request, begin, end, std::max(begin, route.first), std::min(end, route.last), edits);
  }
}

}  // namespace

void put_uri(Edits& edits, std::string_view bytes, const UriForm& form) {
  const sip::Uri& uri = form.uri;
  const auto put = [&](uint16_t begin, uint16_t end) {
    edits.put(bytes.substr(begin, static_cast<size_t>(end - begin)));
  };
  if ((uri.scheme != sip::Scheme::sip && uri.scheme != sip::Scheme::sips) ||
      (!form.without_maddr && !form.without_headers)) {
    return put(uri.text.begin, uri.text.end);
  }
  const auto host_end = static_cast<uint16_t>(uri.host.text.end + (uri.host.kind == sip::HostKind::ipv6 ? 1 : 0));
  put(uri.text.begin, host_end);
  const uint16_t port_end = !uri.params.empty()    ? uri.params.begin
                            : !uri.headers.empty() ? uri.headers.begin
                                                   : uri.text.end;
  if (!form.without_maddr) put(host_end, port_end);
  std::string_view params = bytes.substr(uri.params.begin, uri.params.size());
  while (!params.empty()) {
    size_t next = 0;
    const std::string_view name = param_name(params, next);
    const bool about_us = sip::equals_ignoring_case(name, "maddr") || sip::equals_ignoring_case(name, "transport");
    const bool leave_out =
        (form.without_maddr && about_us) || (form.without_headers && sip::equals_ignoring_case(name, "method"));
    if (!leave_out) edits.put(params.substr(0, next));
    params.remove_prefix(next);
  }
  if (!form.without_headers && !uri.headers.empty()) put(uri.headers.begin, uri.headers.end);
}

std::optional<Refusal> preprocess_route(Request& request) {
  if (request.message.has(sip::Header::route)) {
    if (!collect(request)) return refusal_for(sip::Fault::route_malformed, true);
    if (auto refusal = undo_strict_route(request)) return refusal;
    if (auto refusal = pop_own_values(request)) return refusal;
  }
  strip_own_maddr(request);
  do_strict_route(request);
  return std::nullopt;
}

bool is_request_uri_ours(const Request& request) {
  const sip::Uri& uri = request.message.request_uri;
  if (!uri.user.empty()) return false;
  const Ours ours = is_own_uri(request, uri);
  return ours && (ours.socket == none || ours.socket == request.arrival.socket);
}

void edit_route(const Request& request, Edits& edits) {
  const Route& route = request.route;
  const sip::Message& message = request.message;
  if (route.request_uri_changed) {
    edits.begin_text();
    put_uri(edits, message.bytes, route.request_uri);
    edits.replace(message.request_uri.text);
  }
  edit_rows(request, edits);
  if (!route.appended) return;
  const bool has_row = route.first < route.last;
  edits.begin_text();
  edits.put(has_row ? ", <" : "Route: <");
  put_uri(edits, message.bytes, *route.appended);
  edits.put(has_row ? ">" : ">\r\n");
  edits.insert(has_row ? route.values[route.last - 1].end : message.rows[route.values[route.count - 1].row].begin);
}

}  // namespace viaduct::proxy
