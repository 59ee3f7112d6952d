#include "control/listener_guard.h"

#include <utility>

#include "core/log.h"

namespace viaduct::control {
namespace {

bool is_shared_with_kernel(const config::Port& port) { return port.device.kind == config::DeviceKind::af_packet; }

}  // namespace

core::Result<ListenerGuard> ListenerGuard::open(std::span<const config::Port> ports,
                                                std::span<const proxy::Socket> listeners) {
  ListenerGuard guard;
  for (const proxy::Socket& listener : listeners) {
    auto socket = GuardSocket::open(listener.address);
    if (!socket) return core::Error{socket.error()};
    guard.sockets_.push_back(std::move(*socket));
  }
  std::vector<std::string> interfaces;
  for (const config::Port& port : ports) {
    if (is_shared_with_kernel(port)) interfaces.push_back(port.device.target);
  }
  if (!interfaces.empty()) guard.filter(std::move(interfaces), listeners);
  return guard;
}

void ListenerGuard::filter(std::vector<std::string> interfaces, std::span<const proxy::Socket> listeners) {
  std::vector<net::Endpoint> endpoints;
  for (const proxy::Socket& listener : listeners) endpoints.push_back(listener.address);
  auto filter = IngressFilter::open(interfaces, endpoints);
  if (filter) {
    filter_.emplace(std::move(*filter));
  } else {
    refusal_ = filter.error();
    core::log_warning(
        "the kernel goes on to process what comes for the listeners of af_packet ports, and drops it later: {}",
        refusal_);
  }
}

std::optional<dpdk::Capability> ListenerGuard::capability(const config::Port& port) const {
  if (!is_shared_with_kernel(port)) return std::nullopt;
  const std::string wanted = "dropped at ingress";
  return dpdk::Capability{"the kernel's copy of SIP", wanted, filter_ ? wanted : "dropped late: " + refusal_};
}

}  // namespace viaduct::control
