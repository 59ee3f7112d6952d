// Whether calls should be sent here: `/readyz`, for who announces this node's addresses (a BGP speaker, a DNS, another
// balancer) or takes them away.
//
// A balancer that answers its operator may still have nobody to forward to, or no link. What it is not ready for is
// said by name, so that whoever is called at night need not look for it.
#pragma once

#include <string>
#include <vector>

#include "nlohmann/json.hpp"

namespace viaduct::serve {

// The answers of `show info json` and `show ports json`. A sentence each for ports without a link, and for pools of
// listeners in which no backend can be used; none: it is ready. Throws nothing: what is not as expected is a sentence.
std::vector<std::string> reasons_against(const nlohmann::ordered_json& info, const nlohmann::ordered_json& ports);

}  // namespace viaduct::serve
