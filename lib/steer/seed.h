// Where a member's place in every table comes from: its name, and nothing else.
//
// The key is public on purpose. Names are the operator's, so nobody can choose them against us; and with a key that
// everybody has, any second implementation reproduces the table. What attackers choose, the hash that is looked up
// in the table, is keyed with the secret.
#pragma once

#include <cstdint>
#include <string_view>

#include "steer/keyed_hash.h"

namespace viaduct::steer {

// The ASCII of "viaduct.maglev.1", as the little-endian words a SipHash key is made of.
inline constexpr HashKey public_key{0x2e74637564616976, 0x312e76656c67616d};
// And of "viaduct.rendez.1", for the fingerprints of tables by rendezvous.
inline constexpr HashKey rendezvous_key{0x2e74637564616976, 0x312e7a65646e6572};

inline Hash128 seed_of(std::string_view name) { return siphash128(public_key, name); }

}  // namespace viaduct::steer
