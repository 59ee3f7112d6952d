// SipHash-2-4: the hash whose inputs attackers choose.
//
// Call-IDs and branches are the sender's to invent; an unkeyed hash would let one client aim every call at one
// backend (and forge our MACs). Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012; both output sizes,
// checked against the authors' published vectors.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace viaduct::steer {

struct HashKey {
  uint64_t k0 = 0;
  uint64_t k1 = 0;
  constexpr bool operator==(const HashKey&) const = default;
};

struct Hash128 {
  uint64_t low = 0;   // the first eight output bytes, little-endian
  uint64_t high = 0;  // the last eight
  constexpr bool operator==(const Hash128&) const = default;
};

uint64_t siphash64(const HashKey& key, std::string_view input);
Hash128 siphash128(const HashKey& key, std::string_view input);

// The 32 bytes of `secret_file`, the same on every node.
using Secret = std::array<uint8_t, 32>;

// An independent key for each purpose from the one secret, so that a value made under one key says nothing under
// another (conformance rule SEC-27): siphash128 keyed with secret[0..16) over secret[16..32) followed by the purpose.
HashKey derive_key(const Secret& secret, std::string_view purpose);

}  // namespace viaduct::steer
