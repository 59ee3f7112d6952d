// Values that TOML has no type for: durations, names, devices, addresses, hosts.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"
#include "core/result.h"

namespace viaduct::config {

bool is_name(std::string_view text);

// `500ms`, `2s`, `5m`, `1h`; whole numbers only.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
std::string duration_text(std::chrono::milliseconds duration);

// `100/s`, `10/m`, `1000/h`: so many in so much time.
struct Rate {
  uint32_t count = 0;
  std::chrono::milliseconds interval{1000};
};
inline constexpr uint32_t rate_count_max = 10'000'000;
std::optional<Rate> parse_rate(std::string_view text);
std::string rate_text(const Rate& rate);

// What the kernel takes as the name of an interface (dev_valid_name).
bool is_interface_name(std::string_view text);

// `af_packet:eth0`, `memif:/run/m.sock?role=server`, `pcap:in.pcap,out.pcap` ...; the error says what is wrong with the
// part behind the colon, too.
core::Result<Device> parse_device(std::string_view text);

// An address of a listener or backend; the error says what is wrong and what would do.
core::Result<net::Endpoint> parse_socket_address(std::string_view text);

// Where a backend is: an address, or a name to look up.
struct BackendAddress {
  net::Endpoint endpoint;  // of a name only the port, 0 where none is written
  std::string host;        // lower case, or empty
};
core::Result<BackendAddress> parse_backend_address(std::string_view text);

// A host name or an IP address as it may stand in a URI, in the form in which it is compared: lower case, IPv6 without
// brackets and shortened.
std::optional<std::string> parse_host(std::string_view text);

}  // namespace viaduct::config
