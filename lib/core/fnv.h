// FNV-1a of 64 bits: a number for a name that an operator or we have chosen, the same on every machine. Who could gain
// by two that collide must not choose the text; for what strangers send there is a keyed hash (steer/keyed_hash.h).
#pragma once

#include <cstdint>
#include <string_view>

namespace viaduct::core {

inline constexpr uint64_t fnv_start = 0xcbf29ce484222325;

constexpr uint64_t fnv1a(char octet, uint64_t from) { return (from ^ static_cast<uint8_t>(octet)) * 0x100000001b3; }
constexpr uint64_t fnv1a(std::string_view text, uint64_t from = fnv_start) {
  for (const char octet : text) from = fnv1a(octet, from);
  return from;
}
static_assert(fnv1a("a") == 0xaf63dc4c8601ec8c);  // draft-eastlake-fnv, appendix C

}  // namespace viaduct::core
