#include "control/resolver.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "core/number.h"
#include "sip/message.h"

namespace viaduct::control {
core::Result<std::unique_ptr<Resolver>> Resolver::open(const Options& options) {
  auto dns = Dns::open({.servers = options.servers, .timeout = options.timeout});
  if (!dns) return core::Error{dns.error()};
  return std::unique_ptr<Resolver>(new Resolver(options, std::move(*dns)));
}

bool Resolver::want(std::string_view name, Time now) {
  if (const auto known = names_.find(name); known != names_.end()) {
    known->second.wanted = now;
    return true;
  }
  if (names_.size() >= options_.names_max) {
    ++refused_;
    return false;
  }
  const auto at = names_.emplace(std::string(name), Name{}).first;
  at->second.wanted = now;
  ask(at->first, at->second);
  return true;
}

bool Resolver::turn(Time now) {
  now_ = now;
  dns_->turn();
  forget(now);
  for (auto& [key, name] : names_) {
    if (!name.asking && now >= name.due) ask(key, name);
  }
  return std::exchange(changed_, false);
}

void Resolver::forget(Time now) {
  const bool full = names_.size() >= options_.names_max;
  std::erase_if(names_, [&](const auto& entry) {
    const Name& name = entry.second;
    if (name.asking || now - name.wanted < options_.kept || (name.known && !full)) return false;
    changed_ = changed_ || name.known;
    return true;
  });
}

void Resolver::ask(const std::string& key, Name& name) {
  name.asking = true;
  name.srv_ttl = 0;
  if (const size_t colon = key.rfind(':'); colon != std::string::npos) {
    const auto port = core::whole_number<uint16_t>(std::string_view(key).substr(colon + 1));
    return ask_addresses(key, key.substr(0, colon), port.value_or(0));
  }
  dns_->ask_srv("_sip._udp." + key, [this, key](const Dns::Srvs& answer) { answered_srv(key, answer); });
}

void Resolver::answered_srv(const std::string& key, const Dns::Srvs& answer) {
  // A server that does not answer at all is not a "no": the next lookup may say otherwise, so no fall back to A. Nor is
  // there one where it says that the service is not available (RFC 2782).
  if (answer.failure && !answer.failure.absent) return failed(key, answer.failure);
  if (answer.failure) return ask_addresses(key, key, sip::default_port);
  const Dns::Srv& best =
      *std::min_element(answer.records.begin(), answer.records.end(), [](const Dns::Srv& a, const Dns::Srv& b) {
        return std::tuple(a.priority, -int{a.weight}, a.host, a.port) <
               std::tuple(b.priority, -int{b.weight}, b.host, b.port);
      });
  names_[key].srv_ttl = answer.ttl;
  ask_addresses(key, best.host, best.port);
}

void Resolver::ask_addresses(const std::string& key, const std::string& host, uint16_t port) {
  dns_->ask_addresses(host, [this, key, port](const Dns::Addresses& answer) { answered_addresses(key, port, answer); });
}

void Resolver::answered_addresses(const std::string& key, uint16_t port, const Dns::Addresses& answer) {
  if (answer.failure) return failed(key, answer.failure);
  Name& name = names_[key];
  const std::vector<net::IpAddress>& addresses = answer.records;
  const bool pinned = name.known && name.endpoint.port == port &&
                      std::find(addresses.begin(), addresses.end(), name.endpoint.address) != addresses.end();
  if (!pinned) {
    name.endpoint = {addresses.front(), port};
    name.known = changed_ = true;
  }
  name.failures = 0;
  name.problem.clear();
  name.asking = false;
  const uint32_t ttl = name.srv_ttl != 0 ? std::min(name.srv_ttl, answer.ttl) : answer.ttl;
  name.due = now_ + std::clamp(std::chrono::seconds(ttl), options_.ttl_min, options_.ttl_max);
}

void Resolver::failed(const std::string& key, const Dns::Failure& failure) {
  Name& name = names_[key];
  ++name.failures;
  name.problem = failure.sentence;
  name.asking = false;
  name.due = now_ + options_.retry;
}

std::map<std::string, net::Endpoint, std::less<>> Resolver::answers() const {
  std::map<std::string, net::Endpoint, std::less<>> known;
  for (const auto& [key, name] : names_) {
    if (name.known) known.emplace(key, name.endpoint);
  }
  return known;
}

std::vector<Resolver::Entry> Resolver::entries() const {
  std::vector<Entry> list;
  for (const auto& [key, name] : names_) {
    list.push_back({key, name.endpoint, name.known, name.asking, name.failures, name.problem});
  }
  return list;
}

}  // namespace viaduct::control
