#include "control/running.h"

#include <algorithm>

namespace viaduct::control {
namespace {

// The first pool from `pool` along the backups that serves; `pool` itself if none does, which then answers 503.
uint16_t serving(const config::Config& config, const proxy::View& view, uint16_t pool) {
  uint16_t at = pool;
  for (size_t steps = 0; steps < config.pools.size(); ++steps) {
    if (proxy::usable_backends(view, view.pools[at]) != 0) return at;
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
    backend.part = found->second.part;
  }
  proxy::mark_standbys(*view);
  const proxy::View* const known[] = {previous, &compiled};
  proxy::fill_tables(*view, known);
  for (size_t i = 0; i < std::min(view->pools.size(), config.pools.size()); ++i) {
    view->pools[i].serving = serving(config, *view, static_cast<uint16_t>(i));
  }
  for (proxy::Listener& listener : view->listeners) {
    if (listener.pool != proxy::none) listener.pool = serving(config, *view, listener.pool);
    for (proxy::PoolRoute& route : listener.routes) route.pool = serving(config, *view, route.pool);
  }
  return view;
}

}  // namespace viaduct::control
