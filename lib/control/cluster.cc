#include "control/cluster.h"

#include <algorithm>

#include "control/compile.h"
#include "fmt/format.h"
#include "spdlog/spdlog.h"

namespace viaduct::control {

Cluster::Cluster(config::Config config, const config::Secrets& secrets)
    : config_(std::move(config)),
      compiled_(compile_proxy(config_, secrets)),
      started_(std::chrono::system_clock::now()) {
  lay();
}

void Cluster::lay() { laid_ = lay_over(config_, *compiled_, running_, laid_.get()); }

core::Status Cluster::open_probes(Reachable reachable, core::Instant now) {
  reachable_ = std::move(reachable);
  const bool wanted = std::any_of(config_.pools.begin(), config_.pools.end(),
                                  [](const config::Pool& pool) { return pool.health.enabled; });
  if (!prober_ && wanted) {
    auto prober = Prober::open();
    if (!prober) return core::Error{prober.error()};
    prober_ = std::move(*prober);
  }
  configure_probes(now);
  return core::Done{};
}

void Cluster::configure_probes(core::Instant now) {
  std::vector<Prober::Target> targets;
  for (const config::Pool& pool : config_.pools) {
    if (!pool.health.enabled) continue;
    std::string beyond;
    for (const config::Backend& backend : pool.backends) {
      const std::string key = backend_key(pool.name, backend.name);
      if (!reachable_ || !reachable_(backend.address.address)) {
        beyond += (beyond.empty() ? "" : ", ") + backend.name;
        continue;
      }
      const auto known = running_.find(key);
      targets.push_back({.key = key,
                         .address = backend.address,
                         .health = pool.health,
                         .healthy = known == running_.end() || known->second.healthy});
    }
    if (beyond.empty()) continue;
    spdlog::warn(
        "pool {}: no probes can be sent to {}: they are reached through a port without a kernel interface, and probes "
        "go through the kernel; they count as healthy",
        pool.name, beyond);
  }
  if (prober_) prober_->configure(targets, now);
}

bool Cluster::turn(core::Instant now) {
  if (!prober_) return false;
  const std::vector<Prober::Change> changes = prober_->turn(now);
  for (const Prober::Change& change : changes) {
    running_[change.key].healthy = change.healthy;
    changed_at_[change.key] = std::chrono::system_clock::now();
    const std::string what = fmt::format("{}: {}", change.healthy ? "up" : "down", change.why);
    if (change.healthy) {
      spdlog::info("backend {} is {}", change.key, what);
    } else {
      spdlog::warn("backend {} is {}", change.key, what);
    }
    events_.add("health", change.key, what);
  }
  if (changes.empty()) return false;
  std::erase_if(running_, [](const auto& entry) { return entry.second.plain(); });
  lay();
  return true;
}

void Cluster::observe(const std::vector<Traffic>& traffic, core::Instant now) {
  if (!prober_) return;
  for (size_t i = 0; i < laid_->backends.size() && i < traffic.size(); ++i) {
    const proxy::Backend& backend = laid_->backends[i];
    const std::string key = backend_key(laid_->pools[backend.pool].name, backend.name);
    prober_->observe(key, traffic[i].requests, traffic[i].responses, now);
  }
}

std::vector<Cluster::Row> Cluster::rows() const {
  std::map<std::string, Prober::Row> probes;
  if (prober_) {
    for (Prober::Row& row : prober_->rows()) probes.emplace(row.key, std::move(row));
  }
  std::vector<Row> rows;
  for (const config::Pool& pool : config_.pools) {
    for (const config::Backend& backend : pool.backends) {
      const std::string key = backend_key(pool.name, backend.name);
      Row row;
      row.pool = pool.name;
      row.backend = backend.name;
      row.address = backend.address;
      row.configured_state = backend.state;
      row.configured_weight = backend.weight;
      const auto running = running_.find(key);
      if (running != running_.end()) {
        row.healthy = running->second.healthy;
        row.overridden = running->second.state || running->second.weight;
      }
      const auto changed = changed_at_.find(key);
      row.since = changed == changed_at_.end() ? started_ : changed->second;
      if (const auto probe = probes.find(key); probe != probes.end()) {
        row.probed = true;
        row.probe = probe->second;
      }
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

}  // namespace viaduct::control
