// Link addresses of next hops: asked for before a message needs them, and waited for where the first calls would be
// lost.
#include <poll.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "control/daemon.h"
#include "core/log.h"
#include "fmt/format.h"

namespace viaduct::control {
namespace {

constexpr std::chrono::milliseconds new_hops_time_max{200};  // a change waits that long for new ones' link addresses

}  // namespace

// Backends, and the gateways of all routes, before a message needs them.
void Daemon::want_next_hops() {
  if (!twin_) return;
  std::set<KernelTwin::Neighbor> hops;
  for (const proxy::Backend& backend : placed_->backends) {
    const auto hop = adjacency_->find(backend.address.address);
    if (hop.found) hops.emplace(hop.hop.port, hop.neighbor);
  }
  for (const dataplane::Route& route : twin_->routes()) {
    if (!route.on_link) hops.emplace(route.port, route.gateway);
  }
  for (const auto& [port, neighbor] : hops) twin_->want(port, neighbor);
}

// What the kernel sends through a port's twin workers carry on, so nobody is found there before they run.
bool Daemon::will_be_asked_for(const dataplane::Adjacency::Answer& hop) const {
  return hop.found && !running_ && !config().ports[hop.hop.port].twin.empty();
}

bool Daemon::next_hops_known(std::span<const proxy::Backend> backends) const {
  return std::all_of(backends.begin(), backends.end(), [&](const proxy::Backend& backend) {
    const auto hop = adjacency_->find(backend.address.address);
    return hop.found && (hop.hop.resolved || will_be_asked_for(hop));
  });
}

void Daemon::await_hops(std::span<const proxy::Backend> backends, std::chrono::milliseconds time_max) {
  const auto deadline = Clock::now() + time_max;
  while (!next_hops_known(backends) && Clock::now() < deadline) {
    pollfd news{.fd = twin_->fd(), .events = POLLIN, .revents = 0};
    (void)poll(&news, 1, 1);
    if (running_) runtime_->serve_twins();  // through which the kernel asks, and hears
    read_kernel();
    if (std::exchange(kernel_changed_, false)) rebuild_adjacency();
  }
}

// New backends that get calls at once: their link addresses are asked for first, lest the first calls are lost.
void Daemon::await_new_hops(const proxy::View& next) {
  if (!twin_) return;
  std::vector<proxy::Backend> fresh;
  for (const proxy::Backend& backend : next.backends) {
    if (!backend.takes_new() || placed_->backend_of.contains(backend.address)) continue;
    const auto hop = adjacency_->find(backend.address.address);
    if (!hop.found) continue;
    twin_->want(hop.hop.port, hop.neighbor);
    fresh.push_back(backend);
  }
  awaits_hops_ = true;
  await_hops(fresh, new_hops_time_max);
  awaits_hops_ = false;
}

void Daemon::await_next_hops(std::chrono::milliseconds time_max) {
  if (!twin_) return;
  want_next_hops();
  await_hops(placed_->backends, time_max);
  for (const proxy::Backend& backend : placed_->backends) {
    const auto hop = adjacency_->find(backend.address.address);
    if (!hop.found) {
      core::log_warning("backend {} ({}): no route to it yet", backend.name, net::to_string(backend.address));
    } else if (!hop.hop.resolved && !will_be_asked_for(hop)) {
      core::log_warning("backend {} ({}): its neighbour {} does not answer yet", backend.name,
                        net::to_string(backend.address), net::to_string(hop.neighbor));
    }
  }
}

}  // namespace viaduct::control
