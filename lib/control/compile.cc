#include "control/compile.h"

#include <algorithm>
#include <span>

#include "control/counterparts.h"
#include "sip/header_names.h"
#include "sip/method.h"

namespace viaduct::control {
namespace {

proxy::PathMode path_of(config::PathMode mode) {
  switch (mode) {
    case config::PathMode::off: return proxy::PathMode::off;
    case config::PathMode::auto_: return proxy::PathMode::auto_;
    case config::PathMode::force: return proxy::PathMode::force;
  }
  return proxy::PathMode::off;
}

proxy::Policy policy_of(const config::Sip& sip, const config::Overload& overload) {
  proxy::Policy policy;
  policy.shed_percent = overload.shed;
  policy.message_bytes_max = sip.message_bytes_max;
  policy.request_uri_bytes_max = sip.request_uri_bytes_max;
  policy.max_breadth = sip.max_breadth;
  policy.answer_incomplete = sip.answer_incomplete;
  policy.rewrite_503 = sip.rewrite_503;
  policy.time_responses = sip.time_responses;
  policy.retry_after_s = sip.retry_after_s;
  policy.server = sip.server;
  policy.extensions = sip.extensions;
  return policy;
}

void add_pools(const config::Config& config, proxy::View& view) {
  for (const config::Pool& from : config.pools) {
    proxy::Pool pool;
    pool.name = from.name;
    pool.key = counterpart(from.key);
    pool.kind = from.table == config::TableKind::maglev ? steer::TableKind::maglev : steer::TableKind::rendezvous;
    pool.failover = from.failover == config::Failover::pool;
    pool.feedback = from.feedback;
    pool.first_backend = static_cast<uint16_t>(view.backends.size());
    for (const config::Backend& backend : from.backends) {
      if (!backend.host.empty()) continue;  // nobody has looked it up
      proxy::Backend to;
      to.name = backend.name;
      to.address = backend.address;
      to.pool = static_cast<uint16_t>(view.pools.size());
      to.weight = backend.weight;
      to.priority = backend.priority;
      to.state = counterpart(backend.state);
      view.backends.push_back(std::move(to));
    }
    pool.backend_count = static_cast<uint16_t>(view.backends.size() - pool.first_backend);
    view.pools.push_back(std::move(pool));
  }
}

uint16_t pool_named(const proxy::View& view, const std::string& name) {
  const auto at =
      std::find_if(view.pools.begin(), view.pools.end(), [&](const proxy::Pool& pool) { return pool.name == name; });
  return at == view.pools.end() ? proxy::none : static_cast<uint16_t>(at - view.pools.begin());
}

// The pools of a listener beside its own.
std::vector<proxy::PoolRoute> routes_of(const config::Listener& listener, const proxy::View& view) {
  std::vector<proxy::PoolRoute> routes;
  for (const config::ListenerRoute& from : listener.routes) {
    proxy::PoolRoute route;
    for (const std::string& method : from.methods) {
      const auto number = static_cast<unsigned>(sip::method_of(method, method.data() + method.size()));
      route.methods |= uint32_t{1} << number;
    }
    route.domains = from.domains;
    route.pool = pool_named(view, from.pool);
    routes.push_back(std::move(route));
  }
  return routes;
}

void add_listeners(const config::Config& config, proxy::View& view) {
  for (const config::Listener& from : config.listeners) {
    proxy::Listener listener;
    listener.name = from.name;
    listener.side = from.side == config::Side::inside ? proxy::Side::inside : proxy::Side::outside;
    listener.pool = pool_named(view, from.pool);
    listener.routes = routes_of(from, view);
    listener.record_route = from.record_route;
    listener.force_rport = from.force_rport;
    listener.path = path_of(from.path);
    listener.require_path = from.require_path;
    listener.domains = from.domains;
    for (const std::string& name : from.strip_headers) listener.strip.push_back({name, sip::compact_form_of(name)});
    for (const net::Endpoint& address : from.addresses) {
      proxy::Socket socket;
      socket.address = address;
      socket.listener = static_cast<uint16_t>(view.listeners.size());
      view.sockets.push_back(socket);
    }
    for (const std::string& alias : from.aliases) {
      if (const auto address = net::parse_ip(alias)) {
        view.alias_addresses.push_back(*address);
      } else {
        view.aliases.push_back(alias);
      }
    }
    view.listeners.push_back(std::move(listener));
  }
}

// A new secret signs from now on, and the former ones still verify. But which transaction and which backend a message
// belongs to does not change with the secret (TXN-19): a copy, CANCEL or ACK from after the rotation must meet the
// INVITE from before it. So the keys that choose stay those of the first secret of all that are still named; it is
// named last.
void add_keys(const config::Secrets& secrets, proxy::View& view) {
  view.keys = proxy::derive_keys(secrets.current);
  for (const steer::Secret& secret : secrets.old) view.old_keys.push_back(proxy::derive_keys(secret));
  if (view.old_keys.empty()) return;
  const proxy::Keys& first = view.old_keys.back();
  view.keys.branch = first.branch;
  view.keys.selection = first.selection;
  view.keys.affinity = first.affinity;
  view.keys.shedding = first.shedding;
}

}  // namespace

std::shared_ptr<const proxy::View> compile_proxy(const config::Config& config, const config::Secrets& secrets,
                                                 const proxy::View* known) {
  auto view = std::make_shared<proxy::View>();
  add_pools(config, *view);
  add_listeners(config, *view);
  add_keys(secrets, *view);
  view->policy = policy_of(config.sip, config.overload);
  proxy::finish(*view, std::span(&known, 1));
  return view;
}

std::vector<dataplane::Route> configured_routes(const config::Config& config) {
  std::vector<dataplane::Route> routes;
  for (size_t i = 0; i < config.ports.size(); ++i) {
    const config::Port& from = config.ports[i];
    const auto port = static_cast<uint16_t>(i);
    for (const net::Prefix& prefix : from.addresses) {
      routes.push_back({.prefix = prefix.network(), .port = port, .on_link = true, .gateway = {}});
    }
    if (from.gateway) {
      routes.push_back(
          {.prefix = {net::IpAddress::v4(0, 0, 0, 0), 0}, .port = port, .on_link = false, .gateway = *from.gateway});
    }
    if (from.gateway6) {
      routes.push_back({.prefix = {net::IpAddress{}, 0}, .port = port, .on_link = false, .gateway = *from.gateway6});
    }
  }
  return routes;
}

std::vector<dataplane::Adjacency::Neighbor> configured_neighbors(const config::Config& config) {
  std::vector<dataplane::Adjacency::Neighbor> neighbors;
  for (size_t i = 0; i < config.ports.size(); ++i) {
    for (const config::Neighbor& neighbor : config.ports[i].neighbors) {
      neighbors.push_back({.port = static_cast<uint16_t>(i), .address = neighbor.address, .mac = neighbor.mac});
    }
  }
  return neighbors;
}

}  // namespace viaduct::control
