#include "proxy/target.h"

#include <algorithm>

#include "proxy/branch.h"
#include "proxy/own.h"
#include "proxy/selection.h"
#include "sip/charset.h"

namespace viaduct::proxy {
namespace {

using telemetry::Reason;

// The socket of ours from which `hop` is reached; toward outside the one that our own Route named, behind which a NAT
// binding waits (NAT-14).
uint16_t egress_toward(const Request& request, const net::Endpoint& hop, bool is_backend) {
  const View& view = request.view;
  const Socket& arrival = view.sockets[request.arrival.socket];
  const net::Family family = hop.address.family();
  const auto f = static_cast<size_t>(family);
  if (is_backend) return arrival.toward_backends[f];
  const uint16_t named = request.route.popped_socket;
  if (request.from_inside && named != none && view.sockets[named].address.address.family() == family &&
      listener_of(view, named).side == Side::outside) {
    return named;
  }
  return arrival.toward_outside[f];
}

std::optional<Refusal> go(Request& request, const net::Endpoint& hop, uint16_t backend) {
  Target& target = request.target;
  target.next_hop = hop;
  target.backend = backend;
  if (backend != none) target.pool = request.view.backends[backend].pool;
  if (target.socket == none) target.socket = egress_toward(request, hop, backend != none);
  if (target.socket == none) return refusal_for(Reason::transport_unsupported);  // no socket of that family
  return std::nullopt;
}

std::optional<Refusal> fail_over(Request& request, uint16_t pool);

std::optional<Refusal> go_to_backend(Request& request, uint16_t index) {
  const Backend& backend = request.view.backends[index];
  if (backend.reachable()) return go(request, backend.address, index);
  if (request.view.pools[backend.pool].failover && !request.from_inside) return fail_over(request, backend.pool);
  return refusal_for(Reason::backend_down);
}

// The host a URI is sent to: maddr if there is one (RFC 3261 section 19.1.1).
sip::Host host_of(const Request& request, const sip::Uri& uri) {
  if (uri.maddr.empty()) return uri.host;
  sip::Host host{.text = uri.maddr, .kind = sip::HostKind::name, .port = uri.host.port};
  if (request.text(host.text).starts_with('[') && host.text.size() > 2) {
    ++host.text.begin;
    --host.text.end;
  }
  if (net::parse_ip(request.text(host.text))) host.kind = sip::HostKind::ipv4;
  return host;
}

// Literal, or pinned by the control plane (TGT-10), which looks a name with a port up under both (RFC 3263
// section 4.2).
std::optional<net::Endpoint> locate(const Request& request, const sip::Host& host) {
  if (host.kind != sip::HostKind::name) return literal_endpoint(request.message.bytes, host);
  const auto found = request.view.names.find(LowerName(request.text(host.text), host.port).text());
  if (found == request.view.names.end()) return std::nullopt;
  return found->second;
}

bool wants_udp(const Request& request, const sip::Uri& uri) {
  const std::string_view transport = request.text(uri.transport);
  return uri.scheme == sip::Scheme::sip && (transport.empty() || sip::equals_ignoring_case(transport, "udp"));
}

// Of several pools that have a backend there, the one that has the dialog.
uint16_t backend_at(const Request& request, const net::Endpoint& hop) {
  const Cookie& cookie = request.route.cookie;
  const bool named = cookie.backend != none && request.view.backends[cookie.backend].address == hop;
  return named ? cookie.backend : find_backend(request.view, hop);
}

// To a Route value or, from inside, to the Request-URI.
std::optional<Refusal> follow_uri(Request& request, const sip::Uri& uri) {
  if (uri.scheme != sip::Scheme::sip && uri.scheme != sip::Scheme::sips) {
    return refusal_for(Reason::scheme_unsupported);
  }
  const sip::Host host = host_of(request, uri);
  if (is_ours(request.view, request.message.bytes, host)) {  // TGT-11; by TLS it is not ours (TGT-13)
    return refusal_for(wants_udp(request, uri) ? Reason::loop : Reason::transport_unsupported);
  }
  const auto hop = locate(request, host);
  const uint16_t backend = hop ? backend_at(request, *hop) : none;
  if (!request.from_inside && backend == none) return refusal_for(Reason::relay_refused);
  if (!wants_udp(request, uri)) return refusal_for(Reason::transport_unsupported);
  if (!hop) {
    if (host.kind == sip::HostKind::name) {
      request.unresolved_host = host.text;
      request.unresolved_port = host.port;
    }
    return refusal_for(Reason::next_hop_unresolved);
  }
  if (find_socket(request.view, *hop) != none) return refusal_for(Reason::loop);
  if (backend != none) return go_to_backend(request, backend);
  if (is_unsendable(*hop)) return refusal_for(Reason::next_hop_refused);
  return go(request, *hop, none);
}

std::optional<Refusal> follow_flow(Request& request) {
  const Flow& flow = request.route.flow;
  if (find_socket(request.view, flow.remote) != none) return refusal_for(Reason::loop);
  if (is_unsendable(flow.remote)) return refusal_for(Reason::next_hop_refused);
  request.target.socket = flow.socket;
  return go(request, flow.remote, find_backend(request.view, flow.remote));
}

bool is_served(const Request& request, const sip::Uri& uri) {
  if (request.listener.domains.empty() || uri.scheme == sip::Scheme::tel) return true;
  return is_ours(request.view, request.message.bytes, uri.host) ||
         is_domain_of(request.listener, request.message.bytes, uri.host);
}

// The member to which this transaction went before the backends changed, if it is older than that and can still be
// served there; else no_member (LBG-01, LBG-03). Drained and removed backends finish what they have (LBG-08).
uint16_t member_before(const Request& request, const Pool& pool, uint16_t member_now) {
  if (request.arrival.transactions == nullptr) return steer::no_member;
  for (const steer::Table& previous : pool.previous) {
    const uint16_t member = previous.pick(request.target.hash);
    if (member == member_now || member == steer::no_member) continue;
    const Backend& backend = request.view.backends[pool.first_backend + member];
    if (!backend.reachable()) continue;
    const Branch branch(request.message, backend.address, request.view.keys);
    if (request.arrival.transactions->knows(branch.hash())) return member;
  }
  return steer::no_member;
}

// The backend of this pool that `target.hash`, made for the pool's key, chooses.
std::optional<Refusal> go_by_hash(Request& request, uint16_t pool_index) {
  const Pool& pool = request.view.pools[pool_index];
  request.target.pool = pool_index;
  request.target.by_hash = true;
  const uint16_t* const foreseen = request.foresight.member(pool_index);
  uint16_t member = foreseen != nullptr ? *foreseen : pool.overlay.pick(request.target.hash);
  if (!pool.previous.empty()) [[unlikely]] {
    if (const uint16_t before = member_before(request, pool, member); before != steer::no_member) member = before;
  }
  if (member == steer::no_member) return refusal_for(Reason::no_backend, Extra::retry_after);
  const auto index = static_cast<uint16_t>(pool.first_backend + member);
  return go(request, request.view.backends[index].address, index);
}

// Who has the dialog is dead, and the pool's others know of it (LBG-09): to one of them, the same one for all that the
// pool's key keeps together.
std::optional<Refusal> fail_over(Request& request, uint16_t pool) {
  const View& view = request.view;
  request.target.hash = selection_hash(request.message, request.arrival, view.pools[pool].key, view.keys);
  return go_by_hash(request, pool);
}

std::optional<Refusal> balance(Request& request) {
  const Cookie& cookie = request.route.cookie;
  if (cookie.backend != none) return go_to_backend(request, cookie.backend);  // AFF-05

  const sip::Uri& uri = request.route.request_uri.uri;
  if (uri.scheme != sip::Scheme::sip && uri.scheme != sip::Scheme::tel) return refusal_for(Reason::scheme_unsupported);
  if (!uri.maddr.empty()) return refusal_for(Reason::relay_refused);  // RTE-04
  // A dialog that we let in stays in, wherever its remote target is, even after its backend has left the configuration.
  if (!cookie.verified && !is_served(request, uri)) return refusal_for(Reason::domain_not_served);

  const uint16_t pool_index = pool_of(request.arrival, request.listener, request.message, uri, request.view);
  if (pool_index == none) return refusal_for(Reason::no_backend, Extra::retry_after);
  const Pool& pool = request.view.pools[pool_index];
  Target& target = request.target;
  const uint64_t* const foreseen = pool.key == PoolKey::call_id ? request.foresight.selection() : nullptr;
  target.hash = foreseen ? *foreseen : selection_hash(request.message, request.arrival, pool.key, request.view.keys);
  return go_by_hash(request, pool_index);
}

}  // namespace

std::optional<Refusal> choose_target(Request& request) {
  if (request.from_inside && request.route.flow.known()) return follow_flow(request);
  if (request.route.next) return follow_uri(request, *request.route.next);
  if (request.from_inside) return follow_uri(request, request.route.request_uri.uri);
  return balance(request);
}

bool has_usable_backend(const Request& request) {
  const std::vector<Pool>& pools = request.view.pools;
  const auto serves = [](const Pool& pool) { return pool.overlay.pick(0) != steer::no_member; };
  const uint16_t pool =
      pool_of(request.arrival, request.listener, request.message, request.message.request_uri, request.view, true);
  if (pool != none) return serves(pools[pool]);
  return request.listener.side == Side::inside && std::any_of(pools.begin(), pools.end(), serves);
}

}  // namespace viaduct::proxy
