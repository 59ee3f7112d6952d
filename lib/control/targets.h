// What name servers say about a backend's name, as plain data.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "net/address.h"

namespace viaduct::control {

// As in the configuration: `sip.example.net`, `_sip._udp.example.net`.
struct BackendName {
  std::string host;
  uint16_t port = 0;  // 0: none is written

  auto operator<=>(const BackendName&) const = default;
};

// As operators write it: `sip.example.net:5070`.
inline std::string text_of(const BackendName& name) {
  return name.port == 0 ? name.host : name.host + ':' + std::to_string(name.port);
}

// One SRV record with its addresses, or all addresses of a host without SRV.
struct Target {
  std::string host;  // lower case, without the dot at its end; empty without SRV
  uint16_t port = 0;
  uint16_t priority = 0;                  // of SRV: the lower, the earlier
  uint16_t weight = 0;                    // of SRV
  std::vector<net::IpAddress> addresses;  // IPv4 first, ascending

  bool operator==(const Target&) const = default;
};

// By name; who is missing has never been answered.
using Answers = std::map<BackendName, std::vector<Target>>;

}  // namespace viaduct::control
