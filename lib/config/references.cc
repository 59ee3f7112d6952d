// What no table can know alone: duplicates, references to nothing, and what must be there at all.
#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "config/draft.h"
#include "sip/message.h"
#include "telemetry/counters.h"

namespace viaduct::config {
namespace {

constexpr size_t ports_max = 32;  // RTE_MAX_ETHPORTS of Debian's DPDK
constexpr size_t listener_addresses_max = 1024;
constexpr size_t pools_max = 256;

// Finds values that occur twice and says where the first one is.
template <class T>
class Uniqueness {
 public:
  // The place of the first occurrence, if this is not the first.
  const Place* add(const T& value, Place place) {
    const auto [at, is_new] = first_.emplace(value, place);
    return is_new ? nullptr : &at->second;
  }

 private:
  std::map<T, Place> first_;
};

void check_name(Uniqueness<std::string>& names, const std::string& name, Place place, std::string_view what,
                Problems& problems) {
  if (name.empty()) return;  // missing or wrong: reported already
  if (const Place* first = names.add(name, place)) {
    problems.error(place, std::string(what) + " name \"" + name + "\" is taken (" + problems.where(*first, place) +
                              "); a name of its own is expected");
  }
}

void check_gateway(const Port& port, const std::optional<net::IpAddress>& gateway, Place place, Problems& problems) {
  if (!gateway) return;
  bool has_family = false, reachable = false;
  for (const net::Prefix& prefix : port.addresses) {
    has_family = has_family || prefix.address.family() == gateway->family();
    reachable = reachable || prefix.contains(*gateway);
    if (prefix.address != *gateway) continue;
    return problems.error(place, "gateway " + net::to_string(*gateway) + " is the address of [[port]] \"" + port.name +
                                     "\" itself; that of a neighbour is expected");
  }
  // A kernel may have networks that are not written here.
  if (has_family && !reachable && !has_kernel(port) && !gateway->is_link_local()) {
    problems.error(place, "gateway " + net::to_string(*gateway) + " is in none of the networks of [[port]] \"" +
                              port.name + "\"; an address of a neighbour is expected");
  }
}

void check_addresses(Uniqueness<net::IpAddress>& addresses, const Port& port, Place place, Problems& problems) {
  for (const net::Prefix& prefix : port.addresses) {
    if (prefix.address.is_link_local()) continue;
    const Place* first = addresses.add(prefix.address, place);
    const bool is_own = first != nullptr && first->line == place.line && first->file == place.file;
    if (first == nullptr || is_own) continue;
    problems.error(place, "address " + net::to_string(prefix.address) + " of [[port]] \"" + port.name +
                              "\" is another port's already (" + problems.where(*first, place) +
                              "); each address belongs to one port");
  }
}

void check_ports(const Draft& draft, Problems& problems) {
  Uniqueness<std::string> names, devices;  // twins are interfaces, as devices are
  Uniqueness<net::IpAddress> addresses;
  for (size_t i = 0; i < draft.ports.size(); ++i) {
    const Port& port = draft.config.ports[i];
    const PortPlaces& places = draft.ports[i];
    check_name(names, port.name, places.name, "port", problems);
    check_gateway(port, port.gateway, places.gateway, problems);
    check_gateway(port, port.gateway6, places.gateway6, problems);
    check_addresses(addresses, port, places.addresses, problems);
    if (const Place* first = port.twin.empty() ? nullptr : devices.add(port.twin, places.twin)) {
      problems.error(places.twin, "twin \"" + port.twin + "\" is another port's already (" +
                                      problems.where(*first, places.twin) + "); one interface for each is expected");
    }
    if (port.device.text.empty() || port.device.kind == DeviceKind::pcap) continue;  // /dev/null may serve twice
    if (const Place* first = devices.add(port.device.target, places.device)) {
      problems.error(places.device, "device \"" + port.device.text + "\" is used already (" +
                                        problems.where(*first, places.device) +
                                        "); one port for each device is expected");
    }
  }
  if (draft.ports.size() > ports_max) {
    problems.error(draft.ports[ports_max].name, std::to_string(draft.ports.size()) + " ports; at most " +
                                                    std::to_string(ports_max) + " are possible");
  }
}

void check_pool_is_there(const std::string& pool, Place place, const std::vector<std::string>& pools,
                         Problems& problems) {
  if (pool.empty() || std::find(pools.begin(), pools.end(), pool) != pools.end()) return;
  problems.error(place, "pool \"" + pool + "\" is not there" + did_you_mean(pool, pools) +
                            " (the name of a [[pool]] in this file is expected)");
}

// What means us is served whatever the domains are.
bool is_served(const Config& config, const Listener& listener, const std::string& host) {
  const auto has = [&](const std::vector<std::string>& hosts) {
    return std::find(hosts.begin(), hosts.end(), host) != hosts.end();
  };
  const auto address = net::parse_ip(host);
  return has(listener.domains) ||
         std::any_of(config.listeners.begin(), config.listeners.end(), [&](const Listener& any) {
           return has(any.aliases) || std::any_of(any.addresses.begin(), any.addresses.end(),
                                                  [&](const net::Endpoint& own) { return own.address == address; });
         });
}

void check_routes(const Config& config, const Listener& listener, const ListenerPlaces& places, Problems& problems) {
  if (listener.domains.empty()) return;
  for (size_t i = 0; i < listener.routes.size(); ++i) {
    for (const std::string& domain : listener.routes[i].domains) {
      if (is_served(config, listener, domain)) continue;
      problems.warn(places.routes[i].table, "requests for domain \"" + domain +
                                                "\" of this [[listener.route]] get 403, since it is none of the "
                                                "domains of [[listener]] \"" +
                                                listener.name + '"');
    }
  }
}

void check_listeners(const Draft& draft, Problems& problems) {
  Uniqueness<std::string> names;
  Uniqueness<net::Endpoint> addresses;
  std::vector<std::string> pool_names;
  for (const Pool& pool : draft.config.pools) pool_names.push_back(pool.name);
  size_t count = 0;
  for (size_t i = 0; i < draft.listeners.size(); ++i) {
    const Listener& listener = draft.config.listeners[i];
    const ListenerPlaces& places = draft.listeners[i];
    check_name(names, listener.name, draft.listener_names[i], "listener", problems);
    for (size_t a = 0; a < listener.addresses.size(); ++a) {
      if (const Place* first = addresses.add(listener.addresses[a], places.addresses[a])) {
        problems.error(places.addresses[a],
                       "address " + net::to_string(listener.addresses[a]) + " is a listener's already (" +
                           problems.where(*first, places.addresses[a]) + "); each address belongs to one listener");
      }
      if (listener.addresses[a].address.is_loopback()) {
        problems.warn(places.addresses[a], "address " + net::to_string(listener.addresses[a]) +
                                               " is a loopback address, which no message from a port can have");
      }
      if (++count == listener_addresses_max + 1) {
        problems.error(places.addresses[a],
                       "more than " + std::to_string(listener_addresses_max) + " listener addresses");
      }
    }
    check_routes(draft.config, listener, places, problems);
    check_pool_is_there(listener.pool, places.pool, pool_names, problems);
    for (size_t r = 0; r < listener.routes.size(); ++r) {
      check_pool_is_there(listener.routes[r].pool, places.routes[r].pool, pool_names, problems);
    }
  }
}

// Where each listener address and, over all pools, each backend address was named first.
struct Addresses {
  std::map<net::Endpoint, std::string> listeners;
  Uniqueness<net::Endpoint> backends;
};

// A name to look up, with the port that is meant where none is written; that of SRV comes with the answer.
std::string host_of(const Backend& backend) {
  if (backend.host.starts_with('_')) return backend.host;
  return backend.host + ':' + std::to_string(backend.address.port == 0 ? sip::default_port : backend.address.port);
}

void check_pool(const Pool& pool, const PoolPlaces& places, Addresses& known, Problems& problems) {
  Uniqueness<std::string> names, hosts;
  Uniqueness<net::Endpoint> addresses;
  for (size_t i = 0; i < pool.backends.size(); ++i) {
    const Backend& backend = pool.backends[i];
    const BackendPlaces& at = places.backends[i];
    check_name(names, backend.name, at.name, "backend", problems);
    if (const Place* first = backend.host.empty() ? nullptr : hosts.add(host_of(backend), at.address)) {
      problems.error(at.address, "address \"" + host_of(backend) + "\" is a backend's of this pool already (" +
                                     problems.where(*first, at.address) + "); each backend has an address of its own");
    }
    if (!at.has_address) continue;
    const std::string text = net::to_string(backend.address);
    const auto listener = known.listeners.find(backend.address);
    const Place* in_other_pool = known.backends.add(backend.address, at.address);
    if (listener != known.listeners.end()) {
      problems.error(at.address,
                     "address " + text + " is that of [[listener]] \"" + listener->second +
                         "\"; a backend's own address is expected, else its messages would come back to us");
    } else if (const Place* first = addresses.add(backend.address, at.address)) {
      problems.error(at.address, "address " + text + " is a backend's of this pool already (" +
                                     problems.where(*first, at.address) + "); each backend has an address of its own");
    } else if (in_other_pool != nullptr) {
      problems.warn(at.address, "address " + text + " is a backend's of another pool too (" +
                                    problems.where(*in_other_pool, at.address) +
                                    "); what it sends is counted for that one");
    }
    if (backend.address.address.is_loopback()) {
      problems.warn(at.address, "address " + text + " is a loopback address, which nothing sent from a port can reach");
    }
  }
  const bool weightless = std::all_of(pool.backends.begin(), pool.backends.end(),
                                      [](const Backend& backend) { return backend.weight == 0; });
  if (weightless && !pool.backends.empty()) {
    problems.error(places.table,
                   "no backend of [[pool]] \"" + pool.name + "\" has a weight above 0; one at least is expected");
  }
}

// Every pool's backup is a pool, and following them comes to an end.
void check_backups(const Draft& draft, std::set<std::string>& used, Problems& problems) {
  std::map<std::string, std::string> backup_of;
  std::vector<std::string> names;
  for (const Pool& pool : draft.config.pools) {
    names.push_back(pool.name);
    if (!pool.backup.empty()) backup_of.emplace(pool.name, pool.backup);
  }
  for (size_t i = 0; i < draft.pools.size(); ++i) {
    const Pool& pool = draft.config.pools[i];
    if (pool.backup.empty()) continue;
    const Place place = draft.pools[i].backup;
    used.insert(pool.backup);
    if (std::find(names.begin(), names.end(), pool.backup) == names.end()) {
      problems.error(place, "backup \"" + pool.backup + "\" is not there" + did_you_mean(pool.backup, names) +
                                " (the name of another [[pool]] in this file is expected)");
      continue;
    }
    std::string at = pool.backup;
    for (size_t steps = 0; steps < names.size() && at != pool.name; ++steps) {
      const auto next = backup_of.find(at);
      if (next == backup_of.end()) break;
      at = next->second;
    }
    if (at == pool.name) {
      problems.error(place, "backup \"" + pool.backup + "\" leads back to [[pool]] \"" + pool.name +
                                "\" itself; a chain of backups that ends is expected");
    }
  }
}

void check_pools(const Draft& draft, Problems& problems) {
  Uniqueness<std::string> names;
  Addresses known;
  for (const Listener& listener : draft.config.listeners) {
    for (const net::Endpoint& address : listener.addresses) known.listeners.emplace(address, listener.name);
  }
  std::set<std::string> used;
  for (const Listener& listener : draft.config.listeners) {
    used.insert(listener.pool);
    for (const ListenerRoute& route : listener.routes) used.insert(route.pool);
  }
  for (const Rule& rule : draft.config.rules.rules) {
    if (rule.action == RuleAction::pool) used.insert(rule.target);
  }
  check_backups(draft, used, problems);
  size_t count = 0;
  for (size_t i = 0; i < draft.pools.size(); ++i) {
    const Pool& pool = draft.config.pools[i];
    check_name(names, pool.name, draft.pools[i].name, "pool", problems);
    check_pool(pool, draft.pools[i], known, problems);
    if (!pool.name.empty() && !used.contains(pool.name)) {
      problems.warn(draft.pools[i].name, "pool \"" + pool.name + "\" is used by no listener and backs up no pool");
    }
    const size_t before = count;
    count += pool.backends.size();
    if (before <= telemetry::backend_count_max && count > telemetry::backend_count_max) {
      problems.error(draft.pools[i].backends[telemetry::backend_count_max - before].name,
                     "more than " + std::to_string(telemetry::backend_count_max) + " backends over all pools");
    }
  }
  if (draft.pools.size() > pools_max) {
    problems.error(draft.pools[pools_max].table, "more than " + std::to_string(pools_max) + " pools");
  }
}

}  // namespace

void check_references(const Draft& draft, Problems& problems) {
  check_ports(draft, problems);
  check_listeners(draft, problems);
  check_pools(draft, problems);
  check_rules(draft, problems);
}

}  // namespace viaduct::config
