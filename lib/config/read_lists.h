// Addresses as rules, limits and [access] name them.
#pragma once

#include <string_view>

#include "config/rules.h"
#include "config/section.h"

namespace viaduct::config {

// One string or several: prefixes, addresses, names of [[list]]s.
void read_sources(Section& section, std::string_view key, Sources& out, Problems& problems);

}  // namespace viaduct::config
