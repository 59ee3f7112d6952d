// A digest of a table's content.
#pragma once

#include <cstdint>
#include <span>

#include "steer/table.h"

namespace viaduct::steer {

// siphash64 over, for each slot, the eight bytes of the low half of its owner's seed, or eight zero bytes where there
// is no owner, under a public key of the kind's own. Members are named, not numbered, so their order does not matter.
uint64_t fingerprint_of(std::span<const uint16_t> slots, std::span<const Member> members, TableKind kind);

}  // namespace viaduct::steer
