// The kinds of pcapng blocks that are written and read here.
#pragma once

#include <cstdint>

namespace viaduct::capture {

inline constexpr uint32_t block_section = 0x0a0d0d0a;
inline constexpr uint32_t block_interface = 1;
inline constexpr uint32_t block_statistics = 5;
inline constexpr uint32_t block_packet = 6;
inline constexpr uint32_t byte_order_magic = 0x1a2b3c4d;

}  // namespace viaduct::capture
