// The network of lab.h as a configuration, with one backend: what rules need to be read.
#pragma once

#include <string_view>

namespace viaduct::test {

inline constexpr std::string_view lab_config = R"([[port]]
name = "edge"
device = "af_packet:eth0"
[[listener]]
name = "public"
address = "192.0.2.10"
pool = "proxies"
[[listener]]
name = "inside"
side = "inside"
address = "10.0.0.1"
[[pool]]
name = "proxies"
[[pool.backend]]
name = "p1"
address = "10.0.1.1"
)";

}  // namespace viaduct::test
