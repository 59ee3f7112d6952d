// What the kernel has to do with it: next hops that it knows, and ports that it must keep out of.
#pragma once

#include <string>
#include <vector>

#include "control/guard_socket.h"
#include "core/result.h"
#include "net/address.h"

namespace viaduct::viablast {

// The link address to which packets for `target` go out of `interface`: of the target itself, or of a router. Asks the
// kernel, and has it ask the network.
core::Result<net::Mac> next_hop_mac(const std::string& interface, const net::IpAddress& target);

// Guards those of `endpoints` that are addresses of this host, so that the kernel does not refuse what comes for them.
core::Result<std::vector<control::GuardSocket>> guard(const std::vector<net::Endpoint>& endpoints);

// The addresses of an interface.
std::vector<net::IpAddress> addresses_of(const std::string& interface);

}  // namespace viaduct::viablast
