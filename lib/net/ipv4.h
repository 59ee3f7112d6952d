// The IPv4 header as it lies on the wire (RFC 791 section 3.1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/endian.h"

namespace viaduct::net {

struct Ipv4Header {
  uint8_t version_ihl = 0;    // version in the upper half, header length in 32-bit words in the lower
  uint8_t traffic_class = 0;  // DSCP 6 bits (RFC 2474), ECN 2 bits (RFC 3168)
  core::be16 total_length;
  core::be16 identification;
  core::be16 flags_offset;  // reserved, DF, MF; fragment offset in units of 8 bytes
  uint8_t time_to_live = 0;
  uint8_t protocol = 0;
  core::be16 checksum;
  std::array<uint8_t, 4> source{};
  std::array<uint8_t, 4> destination{};
};
static_assert(sizeof(Ipv4Header) == 20 && alignof(Ipv4Header) == 1);

inline constexpr uint8_t ipv4_version_ihl = 0x45;  // version 4, no options
inline constexpr size_t ipv4_word_bytes = 4;
inline constexpr uint16_t ipv4_dont_fragment = 0x4000;
inline constexpr uint16_t ipv4_more_fragments = 0x2000;
inline constexpr uint16_t ipv4_offset_mask = 0x1fff;

// Protocol numbers (IANA), shared by both families.
inline constexpr uint8_t protocol_udp = 17;

// Recommended for what starts its way here (IANA "IP Parameters": default TTL).
inline constexpr uint8_t time_to_live_default = 64;

}  // namespace viaduct::net
