// The numbers of pcapng, as far as they are read or written here (draft-ietf-opsawg-pcapng).
#pragma once

#include <cstddef>
#include <cstdint>

#include "net/pcap.h"

namespace viaduct::net::pcapng {

inline constexpr uint32_t byte_order_magic = 0x1a2b3c4d;

inline constexpr uint32_t block_section = 0x0a0d0d0a;  // a palindrome: the same in both byte orders
inline constexpr uint32_t block_interface = 1;
inline constexpr uint32_t block_simple_packet = 3;
inline constexpr uint32_t block_statistics = 5;
inline constexpr uint32_t block_packet = 6;  // an enhanced one

inline constexpr size_t block_frame_bytes = 12;  // type, length, and the length once more
// Of a block whose body is kept: the largest packet, and room for its options.
inline constexpr size_t block_bytes_max = captured_bytes_max + 65536;

inline constexpr uint16_t option_end = 0;
inline constexpr uint16_t option_comment = 1;
inline constexpr uint16_t section_application = 4;
inline constexpr uint16_t interface_name = 2;
inline constexpr uint16_t interface_resolution = 9;
inline constexpr uint16_t interface_offset = 14;
inline constexpr uint16_t packet_flags = 2;
inline constexpr uint16_t statistics_received = 4;
inline constexpr uint16_t statistics_dropped = 5;

// Which way a packet went: two bits of its flags.
inline constexpr uint32_t flags_direction = 3, flags_inbound = 1, flags_outbound = 2;

}  // namespace viaduct::net::pcapng
