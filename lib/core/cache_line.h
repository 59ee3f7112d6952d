// What a cache moves at a time, and how a core asks for it ahead.
#pragma once

#include <cstddef>

namespace viaduct::core {

inline constexpr size_t cache_line_bytes = 64;

// Asks for the line at `at`, and for the right to write to it: no other core keeps a copy. Any address will do. The
// compiler's own __builtin_prefetch(at, 1) asks for a copy only, unless it may believe that the CPU has PREFETCHW; one
// without takes it for no operation.
[[gnu::always_inline]] inline void own_soon(const void* at) {
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(at)));
}

}  // namespace viaduct::core
