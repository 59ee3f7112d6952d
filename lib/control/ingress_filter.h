// Keeps the kernel's IP stack off what workers take from packet sockets.
//
// A packet socket (af_packet ports) is given a copy of each packet; the packet itself goes on to the kernel's stack,
// which looks up a route and a socket, checks its sum, and then finds a guard socket that drops it. A rule at the
// interface's ingress hook, right behind the packet sockets, drops it before all of that. Over veth, where this is work
// of the core that sends, it saves a sixth of that core. Packet sockets, tcpdump's among them, see it as before.
//
// The table belongs to this process (`flags owner`, Linux 5.12): nobody else changes it, not even by `nft flush
// ruleset`, and it goes when the process ends, however it ends.
//
// The only door to libnftables. Thread: control.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "core/result.h"
#include "net/address.h"

struct nft_ctx;

namespace viaduct::control {

class IngressFilter {
 public:
  // From now on UDP for `endpoints` that arrives on `interfaces` of this network namespace, of which there is at least
  // one, ends there. An error is what the kernel says: no nf_tables, an old one, no CAP_NET_ADMIN; then nothing has
  // changed.
  static core::Result<IngressFilter> open(std::span<const std::string> interfaces,
                                          std::span<const net::Endpoint> endpoints);

 private:
  struct Free {
    void operator()(nft_ctx* context) const;
  };
  explicit IngressFilter(std::unique_ptr<nft_ctx, Free> context) : context_(std::move(context)) {}

  std::unique_ptr<nft_ctx, Free> context_;  // holds the netlink socket that owns the table
};

}  // namespace viaduct::control
