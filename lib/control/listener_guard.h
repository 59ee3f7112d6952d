// Keeps the kernel and other programs off the listeners: a guard socket on each address (control/guard_socket.h), and
// behind the packet sockets of af_packet ports a filter (control/ingress_filter.h). Thread: control.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/config.h"
#include "control/guard_socket.h"
#include "control/ingress_filter.h"
#include "core/result.h"
#include "dpdk/runtime.h"
#include "proxy/view.h"

namespace viaduct::control {

class ListenerGuard {
 public:
  // An address that cannot be guarded is an error. A filter that cannot be had is logged: without it the kernel does
  // for nothing what it always did, which is slower and no reason not to start.
  static core::Result<ListenerGuard> open(std::span<const config::Port> ports,
                                          std::span<const proxy::Socket> listeners);

  // What became of the filter, for a port that wants it.
  std::optional<dpdk::Capability> capability(const config::Port& port) const;

 private:
  void filter(std::vector<std::string> interfaces, std::span<const proxy::Socket> listeners);

  std::vector<GuardSocket> sockets_;
  std::optional<IngressFilter> filter_;
  std::string refusal_;  // why there is none
};

}  // namespace viaduct::control
