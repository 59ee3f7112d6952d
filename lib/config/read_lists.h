// Addresses as rules, limits and [access] name them.
#pragma once

#include <string_view>
#include <vector>

#include "config/rules.h"
#include "config/section.h"

namespace viaduct::config {

// One string or several: prefixes, addresses, names of [[list]]s.
void read_sources(Section& section, std::string_view key, Sources& out, Problems& problems);

// The setting "prefixes": one string or several, each an address or a prefix.
void read_prefixes(Section& section, std::vector<net::Prefix>& out, Problems& problems);

}  // namespace viaduct::config
