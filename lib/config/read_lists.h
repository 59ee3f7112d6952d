// Addresses as rules, limits and [access] name them.
#pragma once

#include <optional>
#include <string_view>

#include "config/rules.h"
#include "config/section.h"

namespace viaduct::config {

// A prefix, or an address as one.
std::optional<net::Prefix> parse_network(std::string_view text);

// One string or several: prefixes, addresses, names of [[list]]s.
void read_sources(Section& section, std::string_view key, Sources& out, Problems& problems);

}  // namespace viaduct::config
