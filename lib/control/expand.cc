#include "control/expand.h"

#include <algorithm>

#include "fmt/format.h"
#include "sip/message.h"
#include "telemetry/counters.h"

namespace viaduct::control {
namespace {

// A host with addresses of both families is one machine: IPv4 counts where there is any and a listener speaks it.
std::vector<net::IpAddress> of_one_family(const Target& target, bool ipv4) {
  const bool has_v4 = ipv4 && !target.addresses.empty() && target.addresses.front().is_v4();
  std::vector<net::IpAddress> addresses;
  for (const net::IpAddress& address : target.addresses) {
    if (address.is_v4() == has_v4) addresses.push_back(address);
  }
  return addresses;
}

std::string text_of(const net::IpAddress& address) { return net::to_string(address); }

class Expansion {
 public:
  Expansion(const config::Config& written, const Answers& answers) : answers_(answers) {
    for (const config::Listener& listener : written.listeners) {
      for (const net::Endpoint& address : listener.addresses) {
        own_.insert(address);
        ipv4_ = ipv4_ || address.address.is_v4();
      }
    }
    for (const config::Pool& pool : written.pools) {  // those of later pools have their room, too
      count_ += static_cast<size_t>(std::count_if(pool.backends.begin(), pool.backends.end(), is_static));
    }
  }

  // `last`: what it had, for as long as it would have nobody; may be null.
  config::Pool expand(const config::Pool& pool, const config::Pool* last) {
    config::Pool expanded = pool;
    expanded.backends.clear();
    taken_.clear();
    for (const config::Backend& backend : pool.backends) {
      if (!is_static(backend)) continue;
      taken_.insert(backend.address);
      expanded.backends.push_back(backend);
    }
    for (const config::Backend& backend : pool.backends) {
      const auto answer = answers_.find({backend.host, backend.address.port});
      if (!is_static(backend) && answer != answers_.end()) add(pool.name, backend, answer->second, expanded.backends);
    }
    if (!expanded.backends.empty() || last == nullptr) return expanded;
    for (const config::Backend& backend : last->backends) {
      if (takes_room(pool.name, backend)) expanded.backends.push_back(backend);
    }
    return expanded;
  }

  std::vector<std::string> take_notes() { return std::move(notes_); }

 private:
  static bool is_static(const config::Backend& backend) { return backend.host.empty(); }

  void add(const std::string& pool, const config::Backend& entry, const std::vector<Target>& targets,
           std::vector<config::Backend>& out) {
    uint32_t heaviest = 0;
    std::set<uint16_t> priorities;
    for (const Target& target : targets) {
      heaviest = std::max<uint32_t>(heaviest, target.weight);
      priorities.insert(target.priority);
    }
    size_t seen = 0;
    for (const Target& target : targets) {
      const std::vector<net::IpAddress> addresses = of_one_family(target, ipv4_);
      for (const net::IpAddress& address : addresses) {
        if (++seen > addresses_of_name_max) {
          notes_.push_back(fmt::format("pool {}: the name {} has more than {} addresses; the others are left out", pool,
                                       entry.host, addresses_of_name_max));
          return;
        }
        config::Backend backend = entry;
        backend.host.clear();
        backend.origin = "the name " + entry.host;
        backend.address = {address, target.port};
        backend.name = entry.name + '/' + name_of(target, address, addresses.size());
        if (!target.host.empty() && heaviest != 0) backend.weight = scaled(target.weight, heaviest);
        const auto rank = std::distance(priorities.begin(), priorities.find(target.priority));
        backend.priority = static_cast<uint16_t>(std::min<ptrdiff_t>(entry.priority + rank, UINT16_MAX));
        if (is_usable(pool, backend)) out.push_back(std::move(backend));
      }
    }
  }

  static std::string name_of(const Target& target, const net::IpAddress& address, size_t count) {
    if (target.host.empty()) return text_of(address);
    std::string name = target.host;
    if (target.port != sip::default_port) name += fmt::format(":{}", target.port);
    return count == 1 ? name : name + '/' + text_of(address);
  }

  // A weight of 0 beside others means a very small chance (RFC 2782).
  static uint32_t scaled(uint32_t weight, uint32_t heaviest) {
    if (heaviest <= config::weight_max) return std::max<uint32_t>(weight, 1);
    return std::max<uint32_t>(static_cast<uint32_t>(uint64_t{weight} * config::weight_max / heaviest), 1);
  }

  bool is_usable(const std::string& pool, const config::Backend& backend) {
    const net::IpAddress& address = backend.address.address;
    if (address.is_unspecified() || address.is_multicast() || address.is_broadcast() || address.is_loopback()) {
      return leave_out(pool, backend, "is no address of a backend");
    }
    if (own_.contains(backend.address)) return leave_out(pool, backend, "is a listener's own address");
    if (taken_.contains(backend.address)) return leave_out(pool, backend, "is a backend of this pool already");
    if (!takes_room(pool, backend)) return false;
    taken_.insert(backend.address);
    return true;
  }

  bool takes_room(const std::string& pool, const config::Backend& backend) {
    if (count_ >= telemetry::backend_count_max) return leave_out(pool, backend, "is one backend too many");
    ++count_;
    return true;
  }

  bool leave_out(const std::string& pool, const config::Backend& backend, std::string_view why) {
    const std::string origin = backend.origin.empty() ? "" : " of " + backend.origin;
    notes_.push_back(
        fmt::format("pool {}: {}{} {}; it is left out", pool, net::to_string(backend.address), origin, why));
    return false;
  }

  const Answers& answers_;
  std::set<net::Endpoint> own_;
  std::set<net::Endpoint> taken_;
  std::vector<std::string> notes_;
  size_t count_ = 0;  // of all pools
  bool ipv4_ = false;
};

}  // namespace

std::set<BackendName> names_in(const config::Config& config) {
  std::set<BackendName> names;
  for (const config::Pool& pool : config.pools) {
    for (const config::Backend& backend : pool.backends) {
      if (!backend.host.empty()) names.insert({backend.host, backend.address.port});
    }
  }
  return names;
}

Expanded expand(const config::Config& written, const Answers& answers, const config::Config* present) {
  Expanded expanded{written, {}};
  Expansion expansion(written, answers);
  for (config::Pool& pool : expanded.config.pools) {
    const config::Pool* last = nullptr;
    for (size_t i = 0; present != nullptr && i < present->pools.size(); ++i) {
      if (present->pools[i].name == pool.name) last = &present->pools[i];
    }
    pool = expansion.expand(pool, last);
  }
  expanded.notes = expansion.take_notes();
  return expanded;
}

}  // namespace viaduct::control
