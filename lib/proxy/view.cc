#include "proxy/view.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <numeric>
#include <span>

#include "proxy/cookie.h"
#include "proxy/hash_input.h"
#include "proxy/via_mac.h"

namespace viaduct::proxy {
namespace {

constexpr uint32_t cookie_id_bits = 30;

// Ids are no secrets, and a rotation of keys must not change them: the MAC beside an id is what counts.
constexpr steer::HashKey id_key{};

// From which socket messages leave that arrived at `listener`, toward `side`: of a listener on that side, else of this
// one, else of whoever has a socket of that family (IP6-06).
uint16_t egress_of(const View& view, uint16_t listener, Side side, net::Family family) {
  uint16_t own = none, any = none;
  for (size_t i = 0; i < view.sockets.size(); ++i) {
    const Socket& socket = view.sockets[i];
    if (socket.address.address.family() != family) continue;
    const bool is_own = socket.listener == listener;
    if (view.listeners[socket.listener].side == side) {
      // The first listener of that side, unless the message arrived on that side already.
      if (view.listeners[listener].side != side || is_own) return static_cast<uint16_t>(i);
    }
    if (is_own && own == none) own = static_cast<uint16_t>(i);
    if (any == none) any = static_cast<uint16_t>(i);
  }
  return own != none ? own : any;
}

// Of a request that arrived at `arrival`.
uint16_t egress_from(const View& view, uint16_t arrival, Side side, net::Family family) {
  const Socket& at = view.sockets[arrival];
  const uint16_t egress = egress_of(view, at.listener, side, family);
  const bool will_do = at.address.address.family() == family && egress != none;
  return will_do && view.sockets[egress].listener == at.listener ? arrival : egress;
}

void fill_egress(View& view) {
  for (size_t i = 0; i < view.sockets.size(); ++i) {
    Socket& socket = view.sockets[i];
    for (const net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
      const auto f = static_cast<size_t>(family);
      const auto index = static_cast<uint16_t>(i);
      socket.toward_backends[f] = egress_from(view, index, Side::inside, family);
      socket.toward_outside[f] = egress_from(view, index, Side::outside, family);
    }
  }
}

ShortPhrase breadth_row(uint32_t maximum) {
  char digits[std::numeric_limits<uint32_t>::digits10 + 1];
  const char* const end = std::to_chars(digits, digits + sizeof digits, maximum).ptr;
  ShortPhrase row("\r\nMax-Breadth: ");
  row.append({digits, end});
  return row;
}

// Names on the wire must not depend on the order of the configuration, which an edit may change while dialogs live. Two
// backends whose names hash alike are told apart by trying again, in the order of names.
void fill_ids(View& view) {
  for (Socket& socket : view.sockets) {
    const auto index = static_cast<size_t>(&socket - view.sockets.data());
    socket.text = net::to_string(socket.address);
    socket.via = Phrase("Via: SIP/2.0/UDP " + socket.text + ";branch=");
    socket.via_mac = Phrase(";vd=" + via_mac_head(static_cast<uint16_t>(index)));
    socket.uri = Phrase(socket.text + ";lr");
    socket.flow_id = static_cast<uint16_t>(LoneHashInput(id_key, 's').endpoint(socket.address).hash64() & 0x7fff);
  }
  std::vector<uint16_t> order(view.backends.size());
  std::iota(order.begin(), order.end(), uint16_t{0});
  const auto pool_name = [&](const Backend& backend) {
    return backend.pool < view.pools.size() ? std::string_view(view.pools[backend.pool].name) : std::string_view();
  };
  std::sort(order.begin(), order.end(), [&](uint16_t a, uint16_t b) {
    const Backend& first = view.backends[a];
    const Backend& second = view.backends[b];
    return std::pair(pool_name(first), std::string_view(first.name)) <
           std::pair(pool_name(second), std::string_view(second.name));
  });
  view.backend_of_cookie.clear();
  for (const uint16_t index : order) {
    Backend& backend = view.backends[index];
    for (uint64_t attempt = 0;; ++attempt) {
      LoneHashInput input(id_key, 'b');
      input.text(pool_name(backend)).text(backend.name).number(attempt);
      backend.cookie_id = static_cast<uint32_t>(input.hash64() & ((1u << cookie_id_bits) - 1));
      if (view.backend_of_cookie.emplace(backend.cookie_id, index).second) break;
    }
    backend.cookie = ShortPhrase(";vd=" + cookie_head(backend.cookie_id));
  }
}

void fill_lookups(View& view) {
  view.socket_of.clear();
  view.backend_of.clear();
  view.backend_at.clear();
  view.known_at.clear();
  for (size_t i = 0; i < view.backends.size(); ++i) {
    view.backend_of.emplace(view.backends[i].address, static_cast<uint16_t>(i));
    view.backend_at.emplace(view.backends[i].address.address, static_cast<uint16_t>(i));
  }
  for (size_t i = 0; i < view.sockets.size(); ++i) {
    const net::Endpoint& own = view.sockets[i].address;
    view.socket_of.emplace(own, static_cast<uint16_t>(i));
    const bool shared = view.backend_at.contains(own.address);
    view.known_at.emplace(own.address, shared ? address_of_socket | address_of_backend : address_of_socket);
  }
  for (const Backend& backend : view.backends) view.known_at.emplace(backend.address.address, address_of_backend);
}

// A pool as its tables see it.
struct Seats {
  std::vector<steer::Member> members;
  std::vector<steer::Part> parts;
};

Seats seats_of(const View& view, const Pool& pool) {
  Seats seats;
  for (uint16_t i = 0; i < pool.backend_count; ++i) {
    const Backend& backend = view.backends[pool.first_backend + i];
    seats.members.push_back({backend.name, backend.departing ? 0 : backend.weight});
    seats.parts.push_back(backend.takes_new() ? backend.part : 0);
  }
  // Tables do not know who has no weight; so it does not count who comes or goes behind the others without any.
  while (!seats.members.empty() && seats.members.back().weight == 0) {
    seats.members.pop_back();
    seats.parts.pop_back();
  }
  return seats;
}

const Pool* same_pool(const View& view, const Pool& pool) {
  const auto found = std::find_if(view.pools.begin(), view.pools.end(), [&](const Pool& other) {
    return other.name == pool.name && other.kind == pool.kind && !other.table.slots().empty();
  });
  return found == view.pools.end() ? nullptr : &*found;
}

void fill_tables_of(const View& view, Pool& pool, std::span<const View* const> known) {
  const Seats seats = seats_of(view, pool);
  const Pool* like = nullptr;
  Seats like_seats;
  for (const View* other : known) {
    const Pool* last = other == nullptr ? nullptr : same_pool(*other, pool);
    if (last == nullptr) continue;
    Seats last_seats = seats_of(*other, *last);
    const bool same = last_seats.members == seats.members;
    if (same && last_seats.parts == seats.parts) {
      pool.table = last->table;
      pool.overlay = last->overlay;
      return;
    }
    if (like != nullptr && (like_seats.members == seats.members || !same)) continue;
    like = last;
    like_seats = std::move(last_seats);
  }
  if (like == nullptr) {
    pool.table = steer::build_table(seats.members, pool.kind);
  } else if (like_seats.members == seats.members) {
    pool.table = like->table;
  } else {
    const steer::Built built{like->table, like_seats.members};
    pool.table = steer::build_table(seats.members, pool.kind, &built);
  }
  pool.overlay = steer::overlay(pool.table, seats.members, seats.parts);
}

}  // namespace

Keys derive_keys(const steer::Secret& secret) {
  return {
      .branch = steer::derive_key(secret, "viaduct branch"),
      .selection = steer::derive_key(secret, "viaduct selection"),
      .affinity = steer::derive_key(secret, "viaduct affinity"),
      .via_mac = steer::derive_key(secret, "viaduct via"),
      .record_route = steer::derive_key(secret, "viaduct record-route"),
      .flow = steer::derive_key(secret, "viaduct flow"),
      .to_tag = steer::derive_key(secret, "viaduct to-tag"),
      .shedding = steer::derive_key(secret, "viaduct shedding"),
  };
}

size_t usable_backends(const View& view, const Pool& pool) {
  const auto backends = std::span(view.backends).subspan(pool.first_backend, pool.backend_count);
  return static_cast<size_t>(std::count_if(backends.begin(), backends.end(), [](const Backend& backend) {
    return backend.takes_new() && backend.weight > 0;
  }));
}

void mark_standbys(View& view) {
  for (const Pool& pool : view.pools) {
    const auto backends = std::span(view.backends).subspan(pool.first_backend, pool.backend_count);
    uint32_t first = UINT32_MAX;
    for (Backend& backend : backends) {
      backend.standby = false;
      if (backend.takes_new() && backend.weight > 0) first = std::min<uint32_t>(first, backend.priority);
    }
    for (Backend& backend : backends) backend.standby = backend.priority > first;
  }
}

void fill_tables(View& view, std::span<const View* const> known) {
  for (Pool& pool : view.pools) fill_tables_of(view, pool, known);
}

void finish(View& view, std::span<const View* const> known) {
  mark_standbys(view);
  fill_lookups(view);
  fill_egress(view);
  fill_ids(view);
  view.max_breadth = breadth_row(view.policy.max_breadth);
  view.has_extras =
      std::any_of(view.pools.begin(), view.pools.end(), [](const Pool& pool) { return pool.feedback; }) ||
      std::any_of(view.listeners.begin(), view.listeners.end(), [](const Listener& at) { return !at.strip.empty(); });
  fill_tables(view, known);
}

}  // namespace viaduct::proxy
