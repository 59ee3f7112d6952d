#include "control/past.h"

#include <algorithm>
#include <set>
#include <span>

#include "telemetry/counters.h"

namespace viaduct::control {
void Past::note(const proxy::View& replaced, core::Instant now) {
  for (const proxy::Pool& pool : replaced.pools) {
    Snapshot snapshot;
    snapshot.until = now + kept;
    snapshot.table = pool.overlay;
    for (uint16_t i = 0; i < pool.backend_count; ++i) {
      const proxy::Backend& backend = replaced.backends[pool.first_backend + i];
      snapshot.numbering.push_back(backend.name);
      if (!backend.departing) departed_[{pool.name, backend.name}] = {backend, now + kept};
    }
    auto& snapshots = snapshots_[pool.name];
    std::erase_if(snapshots,
                  [&](const Snapshot& other) { return other.table.fingerprint() == snapshot.table.fingerprint(); });
    snapshots.push_front(std::move(snapshot));
    // One of them may be what is in force, which is no past.
    if (snapshots.size() > tables_max + 1) snapshots.pop_back();
  }
}

void Past::prolong(std::string_view pool, core::Instant now) {
  const auto found = snapshots_.find(pool);
  if (found == snapshots_.end()) return;
  for (Snapshot& snapshot : found->second) snapshot.until = now + kept;
}

bool Past::expire(core::Instant now) {
  size_t gone = std::erase_if(departed_, [now](const auto& entry) { return entry.second.until <= now; });
  for (auto& [pool, snapshots] : snapshots_) {
    gone += std::erase_if(snapshots, [now](const Snapshot& snapshot) { return snapshot.until <= now; });
  }
  std::erase_if(snapshots_, [](const auto& entry) { return entry.second.empty(); });
  return gone != 0;
}

std::shared_ptr<const proxy::View> Past::with_departing(std::shared_ptr<const proxy::View> compiled) const {
  std::set<std::pair<std::string, std::string>> present;
  std::set<net::Endpoint> addresses;
  for (const proxy::Backend& backend : compiled->backends) {
    present.emplace(compiled->pools[backend.pool].name, backend.name);
    addresses.insert(backend.address);
  }
  // By address a backend that is configured has precedence, under whatever name.
  const auto departs = [&](const auto& entry) {
    return !present.contains(entry.first) && !addresses.contains(entry.second.backend.address);
  };
  if (std::none_of(departed_.begin(), departed_.end(), departs)) return compiled;

  auto view = std::make_shared<proxy::View>(*compiled);
  view->backends.clear();
  size_t room = telemetry::backend_count_max - std::min(telemetry::backend_count_max, compiled->backends.size());
  for (size_t p = 0; p < view->pools.size(); ++p) {
    proxy::Pool& pool = view->pools[p];
    const auto begin = compiled->backends.begin() + pool.first_backend;
    pool.first_backend = static_cast<uint16_t>(view->backends.size());
    view->backends.insert(view->backends.end(), begin, begin + pool.backend_count);
    for (const auto& entry : departed_) {
      if (entry.first.first != pool.name || !departs(entry) || room == 0) continue;
      --room;
      proxy::Backend backend = entry.second.backend;
      backend.pool = static_cast<uint16_t>(p);
      backend.departing = true;
      view->backends.push_back(std::move(backend));
    }
    pool.backend_count = static_cast<uint16_t>(view->backends.size() - pool.first_backend);
  }
  const proxy::View* const known = compiled.get();
  proxy::finish(*view, std::span(&known, 1));
  return view;
}

void Past::renumber(Snapshot& snapshot, std::vector<std::string> numbering) {
  std::vector<steer::Member> members;
  for (const std::string& name : numbering) members.push_back({name});
  std::vector<uint16_t> numbers;
  for (const std::string& name : snapshot.numbering) {
    const auto found = std::find(numbering.begin(), numbering.end(), name);
    const bool is_there = found != numbering.end();
    numbers.push_back(is_there ? static_cast<uint16_t>(found - numbering.begin()) : steer::no_member);
  }
  snapshot.table = steer::renumbered(snapshot.table, numbers, members);
  snapshot.numbering = std::move(numbering);
}

void Past::add_tables(proxy::View& view) {
  for (proxy::Pool& pool : view.pools) {
    pool.previous.clear();
    const auto found = snapshots_.find(pool.name);
    if (found == snapshots_.end()) continue;
    std::vector<std::string> numbering;
    for (uint16_t i = 0; i < pool.backend_count; ++i) {
      numbering.push_back(view.backends[pool.first_backend + i].name);
    }
    for (Snapshot& snapshot : found->second) {
      if (snapshot.numbering != numbering) renumber(snapshot, numbering);
      const bool in_force = snapshot.table.fingerprint() == pool.overlay.fingerprint();
      if (!in_force && pool.previous.size() < tables_max) pool.previous.push_back(snapshot.table);
    }
  }
}

}  // namespace viaduct::control
