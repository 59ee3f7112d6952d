// The slots' owners by the paper on Maglev (maglev.cc).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "steer/table.h"

namespace viaduct::steer {

std::vector<uint16_t> maglev_slots(std::span<const Member> members);

}  // namespace viaduct::steer
