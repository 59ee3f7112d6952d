// A whole configuration without a fault, and ways to spoil it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "config/config.h"

namespace viaduct::config {

// The example of the design, complete.
inline constexpr std::string_view example = R"([runtime]
workers      = [2, 3]            # lcores, one poll-mode worker each
control_core = 1                 # everything that does not forward
hugepages    = true              # false: runs without (laptops, containers, CI)
memory_mb    = 512
affinity     = "transaction"     # hand each message to the core that owns its key
idle         = "poll"
secret_file  = "/etc/viaduct/secret"

[control]
socket = "/run/viaduct/viaduct.sock"
mode   = "0660"

[[port]]
name   = "edge"
device = "pci:0000:3b:00.0"

[[listener]]
name         = "public"
address      = ["203.0.113.10:5060", "[2001:db8::10]:5060"]
pool         = "proxies"
record_route = true
force_rport  = false
side         = "outside"
aliases      = ["sip.example.com"]

[[pool]]
name = "proxies"
key  = "call-id"
[pool.health]
method = "OPTIONS"
interval = "2s"
timeout  = "1s"
rise = 2
fall = 3
accept = ["2xx", "403", "405", "404", "483", "501"]

[[pool.backend]]
name    = "p1"
address = "10.78.0.11:5060"
weight  = 100
state   = "up"
)";

// The smallest file that is right but for the warning about the secret.
inline constexpr std::string_view smallest = R"([[port]]
name = "edge"
device = "af_packet:eth0"
[[listener]]
name = "public"
address = "192.0.2.10"
pool = "proxies"
[[pool]]
name = "proxies"
[[pool.backend]]
name = "p1"
address = "10.0.1.1"
)";

inline std::string replaced(std::string_view text, std::string_view what, std::string_view by) {
  std::string result(text);
  const size_t at = result.find(what);
  EXPECT_NE(at, std::string::npos) << "nothing like " << what;
  EXPECT_EQ(result.find(what, at + 1), std::string::npos) << "more than one " << what;
  if (at != std::string::npos) result.replace(at, what.size(), by);
  return result;
}

inline std::string all_of(const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics) text += to_string(diagnostic) + '\n';
  return text;
}

}  // namespace viaduct::config
