// Names of methods, as rules and routes take them.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace viaduct::config {

// Those that lib/sip knows, INVITE first.
std::span<const std::string> known_methods();

// A sentence about a `name` that is none of `accepted`.
std::string unknown_method(std::string_view name, std::span<const std::string> accepted);

}  // namespace viaduct::config
