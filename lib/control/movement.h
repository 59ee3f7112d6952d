// What a change does to calls: the share of each pool's that will be chosen anew, predicted by comparing the overlays
// of two Views slot by slot, by the names of the backends.
#pragma once

#include <string>
#include <vector>

#include "proxy/view.h"

namespace viaduct::control {

// The share of a pool's calls, from 0 to 1, whose backend differs between two Views; pools are found by name. Nothing
// for a pool that one of the two does not have. Where the key or the hash differs, so that every call is chosen anew,
// it is what chance leaves.
struct Movement {
  std::string pool;
  double share = 0;
};
std::vector<Movement> movements(const proxy::View& before, const proxy::View& after);

}  // namespace viaduct::control
