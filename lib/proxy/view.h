// What the proxy decision knows besides the message: listeners, pools, keys. Immutable once published.
//
// Compiled by `control` from configuration and health; read by workers, tests, fuzzers and `explain` alike. Everything
// here is time-invariant between two publications, which is what RFC 3261 section 16.11 demands of the inputs of a
// stateless proxy.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/address.h"
#include "proxy/address_map.h"
#include "proxy/phrase.h"
#include "steer/keyed_hash.h"
#include "steer/table.h"

namespace viaduct::proxy {

inline constexpr uint16_t none = 0xffff;  // no such socket, pool or backend

// Whose side of the balancer a listener faces.
enum class Side : uint8_t { outside, inside };

// One address of a listener: where messages arrive and from where they leave.
struct Socket {
  net::Endpoint address;
  uint16_t listener = none;
  uint16_t flow_id = 0;   // names it in flow tokens, whatever the order of sockets; set by `finish`
  std::string text = {};  // the address as in Via and URIs; set by `finish`
  // What messages carry of it, set by `finish`: the row that we put on top of those that leave here, up to the value of
  // its branch; `vd=` of the row on top of those that arrived here, up to its MAC; its URI from the address to `lr`.
  Phrase via = {};
  Phrase via_mac = {};
  Phrase uri = {};
  // From which of our sockets requests leave that arrived here, by net::Family (index 0: IPv4): toward backends, and
  // toward everybody else. Of a listener on that side where there is one, else of this listener, else of whoever has a
  // socket of that family; and if that is this listener this one, where it is of the family, so that one network means
  // one socket (RRT-05). `none`: no socket of that family is known. Set by `finish`.
  std::array<uint16_t, 2> toward_backends{none, none};
  std::array<uint16_t, 2> toward_outside{none, none};
};

// Whether we stay in the path of calls to registered clients (RFC 3327): Path is left out, put in where the client
// supports it (and REGISTER refused where not), or put in always.
enum class PathMode : uint8_t { off, auto_, force };

// A header whose rows are taken off (strip.h).
struct StrippedHeader {
  std::string name;  // lower case
  char compact = 0;  // its compact form; 0: none
};

// Which of a listener's new requests go to another pool than its own.
struct PoolRoute {
  uint32_t methods = 0;              // bits by sip::Method, an INVITE's with its ACK and CANCEL; 0: all
  std::vector<std::string> domains;  // hosts of the Request-URI, lower case; empty: all
  uint16_t pool = none;
};

struct Listener {
  std::string name;
  Side side = Side::outside;
  uint16_t pool = none;
  std::vector<PoolRoute> routes;  // the first that matches has precedence over `pool`
  bool record_route = false;
  bool force_rport = false;
  PathMode path = PathMode::off;
  bool require_path = false;               // with Path: also demand that the registrar understands it (NAT-03)
  std::vector<StrippedHeader> strip = {};  // taken off what strangers send (SEC-29)
  std::vector<std::string> domains;        // served hosts, lower case; empty: every host is served
};

// What selects a backend (conformance rule TGT-04: only fields that INVITE, CANCEL and non-2xx ACK share). `aor`: the
// To URI of a REGISTER, the Request-URI of everything else, for registrars that do not share their data (AFF-03).
enum class PoolKey : uint8_t { call_id, branch, from, to, request_uri, source, aor };

enum class OperatorState : uint8_t { up, drain, down };

struct Backend {
  std::string name;
  net::Endpoint address;
  uint16_t pool = none;
  steer::Part part = steer::whole;  // how much of its share it takes: less while it warms up
  uint32_t weight = 100;
  uint16_t priority = 0;  // lower ones first: others of the pool stand by while one of these takes new calls
  OperatorState state = OperatorState::up;
  bool healthy = true;
  bool standby = false;     // a lower priority serves now; set by `mark_standbys`
  bool departing = false;   // not configured any more; finishes what it has
  uint32_t cookie_id = 0;   // names it in Record-Route cookies, whatever its address and place; set by `finish`
  ShortPhrase cookie = {};  // the parameter that does so, up to its MAC; set by `finish`

  // New calls.
  bool takes_new() const { return state == OperatorState::up && healthy && !departing && !standby; }
  bool reachable() const { return state != OperatorState::down && healthy; }  // what is under way
};

struct Pool {
  std::string name;
  PoolKey key = PoolKey::call_id;
  steer::TableKind kind = steer::TableKind::rendezvous;
  bool failover = false;       // requests of dialogs whose backend is dead go to another one of the pool (LBG-09)
  bool feedback = false;       // its backends may say how much less they want (RFC 7339; overload.h)
  uint16_t first_backend = 0;  // its backends are View::backends[first_backend, first_backend + backend_count)
  uint16_t backend_count = 0;
  uint16_t serving = none;  // the pool that takes its new requests while nobody here can; none: itself
  steer::Table table;       // over the configured set: its fingerprint is what nodes compare
  steer::Table overlay;     // with unusable backends' slots given away: what is picked from
  // What was picked from in the last minutes, the newest first, by the same numbers of members: for transactions that
  // are older than the change (LBG-01, LBG-03).
  std::vector<steer::Table> previous = {};
};

// One key a purpose (SEC-27), all derived from the secret.
struct Keys {
  steer::HashKey branch;        // our Via branch
  steer::HashKey selection;     // backend choice
  steer::HashKey affinity;      // owning worker
  steer::HashKey via_mac;       // `vd=` in our Via
  steer::HashKey record_route;  // `vd=` in our Record-Route
  steer::HashKey flow;          // flow token
  steer::HashKey to_tag;        // To tag of our own answers
  steer::HashKey shedding;      // which transactions are refused under load
};
Keys derive_keys(const steer::Secret& secret);

// Limits and choices the operator may set; defaults as in the rule book.
struct Policy {
  uint32_t message_bytes_max = 65507;
  uint32_t request_uri_bytes_max = 4096;
  uint8_t max_forwards_default = 70;
  uint32_t max_breadth = 60;      // RFC 5393 section 5.3.3; 0: the header is neither added nor capped; before `finish`
  bool answer_incomplete = true;  // LOC-13: answer 400 to requests that lack To, From or Call-ID
  bool rewrite_503 = false;    // D-09: pass a backend's 503 on as 500, so that nobody avoids the whole address for it
  uint16_t retry_after_s = 5;  // LOC-16: in a 503 when no backend is usable
  uint8_t shed_percent = 0;    // LOC-15: of new work that is refused whatever the load
  std::string server;          // LOC-10: Server header of our own answers; empty: none
  std::vector<std::string> extensions;  // Proxy-Require tags the cluster understands (D-15)
  bool time_responses = false;          // requests leave with the time in our Via (send_time.h)
};

struct View {
  std::vector<Socket> sockets;      // in configuration order: the index is on the wire, so it is the same on every node
  std::vector<Listener> listeners;  // in configuration order
  std::vector<Pool> pools;
  std::vector<Backend> backends;     // of all pools, in configuration order; the index is telemetry's
  std::vector<std::string> aliases;  // names that mean us, lower case, over all listeners
  // Addresses that do though no socket has them: of a NAT before us, say.
  std::vector<net::IpAddress> alias_addresses = {};
  Keys keys;
  std::vector<Keys> old_keys;  // verified with, never signed with: dialogs outlive a rotation (RRT-11, LOC-06)
  Policy policy;
  ShortPhrase max_breadth = {};  // a row without its line end, but with the one before it; set by `finish`

  // Names resolved by the control plane for requests that go outward, lower case, as `host` or `host:port`, pinned
  // (TGT-10).
  std::map<std::string, net::Endpoint, std::less<>> names;

  AddressMap<net::Endpoint> socket_of;                       // exact address and port
  AddressMap<net::Endpoint> backend_of;                      // exact address and port
  AddressMap<net::IpAddress> backend_at;                     // any backend with this address
  AddressMap<net::IpAddress> known_at;                       // whose it is: most senders are strangers
  std::unordered_map<uint32_t, uint16_t> backend_of_cookie;  // by Backend::cookie_id
  bool has_extras = false;  // a listener strips headers, or a pool listens to its backends
};

// What `known_at` tells of an address: bits, none for a stranger's.
inline constexpr uint16_t address_of_socket = 1, address_of_backend = 2;

// Of this socket of ours.
inline const Listener& listener_of(const View& view, uint16_t socket) {
  return view.listeners[view.sockets[socket].listener];
}

// How many of its backends new calls go to.
size_t usable_backends(const View& view, const Pool& pool);

// In each pool only the lowest priority that has somebody who takes new calls does take them (RFC 2782).
void mark_standbys(View& view);

// Fills the lookup maps, the ids on the wire, `toward_*` of the listeners and the pools' tables from the rest.
// `control` calls it once; tests build a View by hand and call it too. Tables that one of the Views in `known` has
// already are taken from there: building one takes milliseconds.
void finish(View& view, std::span<const View* const> known = {});
// The pools' tables alone, after a change of the backends' states, weights or parts.
void fill_tables(View& view, std::span<const View* const> known = {});

}  // namespace viaduct::proxy
