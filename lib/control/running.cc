#include "control/running.h"

#include <algorithm>
#include <span>
#include <vector>

namespace viaduct::control {
namespace {

std::span<const proxy::Backend> backends_of(const proxy::View& view, const proxy::Pool& pool) {
  return std::span(view.backends).subspan(pool.first_backend, pool.backend_count);
}

std::vector<steer::Member> members_of(std::span<const proxy::Backend> backends) {
  std::vector<steer::Member> members;
  for (const proxy::Backend& backend : backends) {
    members.push_back({backend.name, backend.departing ? 0 : backend.weight});
  }
  return members;
}

// Members are numbered by their place, so the order counts here although it does not in what the table means.
bool same_members(std::span<const proxy::Backend> a, std::span<const proxy::Backend> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const proxy::Backend& x, const proxy::Backend& y) {
    return x.name == y.name && x.weight == y.weight && x.departing == y.departing;
  });
}

bool same_users(std::span<const proxy::Backend> a, std::span<const proxy::Backend> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const proxy::Backend& x, const proxy::Backend& y) { return x.takes_new() == y.takes_new(); });
}

const proxy::Pool* pool_named(const proxy::View* view, std::string_view name) {
  if (view == nullptr) return nullptr;
  const auto found =
      std::find_if(view->pools.begin(), view->pools.end(), [&](const proxy::Pool& pool) { return pool.name == name; });
  return found == view->pools.end() ? nullptr : &*found;
}

// `pool` of `view` has its backends as they are now, and the tables of the configured ones.
void refresh(proxy::View& view, proxy::Pool& pool, const proxy::View& compiled, const proxy::View* previous) {
  const auto backends = backends_of(view, pool);
  const auto configured = std::span(compiled.backends).subspan(pool.first_backend, pool.backend_count);
  const bool same_table = same_members(backends, configured);
  if (same_table && same_users(backends, configured)) return;
  const std::vector<steer::Member> members = members_of(backends);
  if (const proxy::Pool* last = pool_named(previous, pool.name)) {
    const auto before = backends_of(*previous, *last);
    if (same_members(backends, before)) {
      pool.table = last->table;
      if (same_users(backends, before)) {
        pool.overlay = last->overlay;
        return;
      }
    } else if (!same_table) {
      pool.table = steer::build_table(members);
    }
  } else if (!same_table) {
    pool.table = steer::build_table(members);
  }
  std::vector<bool> usable;
  for (const proxy::Backend& backend : backends) usable.push_back(backend.takes_new());
  pool.overlay = steer::overlay(pool.table, members, usable);
}

bool serves(const proxy::View& view, const proxy::Pool& pool) {
  const auto backends = backends_of(view, pool);
  return std::any_of(backends.begin(), backends.end(),
                     [](const proxy::Backend& backend) { return backend.takes_new() && backend.weight > 0; });
}

// The first pool from `pool` along the backups that serves; `pool` itself if none does, which then answers 503.
uint16_t serving(const config::Config& config, const proxy::View& view, uint16_t pool) {
  uint16_t at = pool;
  for (size_t steps = 0; steps < config.pools.size(); ++steps) {
    if (serves(view, view.pools[at])) return at;
    const std::string& backup = config.pools[at].backup;
    const auto next = std::find_if(config.pools.begin(), config.pools.end(),
                                   [&](const config::Pool& candidate) { return candidate.name == backup; });
    if (backup.empty() || next == config.pools.end()) break;
    at = static_cast<uint16_t>(next - config.pools.begin());
  }
  return pool;
}

}  // namespace

std::string backend_key(std::string_view pool, std::string_view backend) {
  return std::string(pool) + '/' + std::string(backend);
}

std::shared_ptr<proxy::View> lay_over(const config::Config& config, const proxy::View& compiled, const Running& running,
                                      const proxy::View* previous) {
  auto view = std::make_shared<proxy::View>(compiled);
  for (proxy::Backend& backend : view->backends) {
    if (backend.departing) continue;  // as it was when it left
    const auto found = running.find(backend_key(view->pools[backend.pool].name, backend.name));
    if (found == running.end()) continue;
    backend.state = found->second.state.value_or(backend.state);
    backend.weight = found->second.weight.value_or(backend.weight);
    backend.healthy = found->second.healthy;
  }
  proxy::mark_standbys(*view);
  for (proxy::Pool& pool : view->pools) refresh(*view, pool, compiled, previous);
  for (proxy::Listener& listener : view->listeners) {
    if (listener.pool != proxy::none) listener.pool = serving(config, *view, listener.pool);
    for (proxy::PoolRoute& route : listener.routes) route.pool = serving(config, *view, route.pool);
  }
  return view;
}

}  // namespace viaduct::control
