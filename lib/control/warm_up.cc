#include "control/warm_up.h"

#include <algorithm>

namespace viaduct::control {
namespace {

using namespace std::chrono_literals;

constexpr int64_t steps_max = 64;  // each step is a View; a long ramp has longer steps

// Backends that get new calls, by key.
std::set<std::string> receivers(const proxy::View& view) {
  std::set<std::string> keys;
  for (const proxy::Backend& backend : view.backends) {
    if (!backend.takes_new() || backend.weight == 0) continue;
    keys.insert(backend_key(view.pools[backend.pool].name, backend.name));
  }
  return keys;
}

}  // namespace

steer::Part part_after(std::chrono::nanoseconds elapsed, std::chrono::milliseconds slow_start) {
  if (elapsed >= slow_start) return steer::whole;
  const std::chrono::nanoseconds step = std::max<std::chrono::nanoseconds>(1s, slow_start / steps_max);
  const auto steps = slow_start / step + (slow_start % step != 0ns ? 1 : 0);
  const auto done = std::max<int64_t>(elapsed / step, 0) + 1;
  return static_cast<steer::Part>(int64_t{steer::whole} * done / (steps + 1));
}

bool WarmUp::note(const config::Config& config, const proxy::View* before, const proxy::View& after,
                  core::Instant now) {
  const std::set<std::string> receive = receivers(after);
  bool changed = std::erase_if(ramps_, [&](const auto& ramp) { return !receive.contains(ramp.first); }) != 0;
  if (before == nullptr) return changed;
  const std::set<std::string> received = receivers(*before);
  const auto served = [&](const std::string& pool) {  // keys of one pool stand together
    const auto first = received.lower_bound(pool + '/');
    return first != received.end() && first->starts_with(pool + '/');
  };
  for (const config::Pool& pool : config.pools) {
    if (pool.slow_start == 0ms || !served(pool.name)) continue;
    for (const config::Backend& backend : pool.backends) {
      const std::string key = backend_key(pool.name, backend.name);
      if (!receive.contains(key) || received.contains(key)) continue;
      ramps_[key] = {now, pool.slow_start};
      changed = true;
    }
  }
  return changed;
}

std::set<std::string> WarmUp::advance(Running& running, core::Instant now) {
  std::set<std::string> grown;
  for (auto& [key, backend] : running) {
    if (!ramps_.contains(key)) backend.part = steer::whole;
  }
  for (auto at = ramps_.begin(); at != ramps_.end();) {
    const auto& [key, ramp] = *at;
    const steer::Part part = part_after(now - ramp.begin, ramp.length);
    steer::Part& known = running[key].part;
    if (known != part) grown.insert(key.substr(0, key.find('/')));
    known = part;
    at = part == steer::whole ? ramps_.erase(at) : std::next(at);
  }
  return grown;
}

}  // namespace viaduct::control
