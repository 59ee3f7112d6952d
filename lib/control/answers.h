// Several commands asked at once over the control socket, and what they say: for `viaductctl serve` and `viaductctl
// top`.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "nlohmann/json.hpp"

namespace viaduct::control {

// `show NAME json` of each, a line each, as brief as it may be.
std::string lines_asking(std::span<const std::string_view> commands);

// Command -> its answer, of those that were answered with an object.
using Told = std::map<std::string, nlohmann::ordered_json, std::less<>>;
Told told_in(std::string_view text);

// What the balancer says instead of an answer, as printable characters; nothing if it has not refused.
std::optional<std::string> refusal_in(std::string_view answer);

}  // namespace viaduct::control
