// What the kernel lets a thread do beside what accounts may (capabilities(7)).
#pragma once

#include <linux/capability.h>

#include <cstdint>

namespace viaduct::control {

// Sets of capabilities, a bit each.
struct Capabilities {
  uint64_t effective = 0;
  uint64_t permitted = 0;
};
constexpr uint64_t capability_bit(int capability) { return uint64_t{1} << capability; }

// Of the calling thread; none where the kernel does not say.
Capabilities own_capabilities();

}  // namespace viaduct::control
