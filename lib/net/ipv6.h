// The IPv6 header and its extensions as they lie on the wire (RFC 8200 sections 3 and 4).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/endian.h"

namespace viaduct::net {

struct Ipv6Header {
  core::be32 version_class_flow;  // version 4 bits, traffic class 8 bits, flow label 20 bits
  core::be16 payload_length;      // extension headers included
  uint8_t next_header = 0;
  uint8_t hop_limit = 0;
  std::array<uint8_t, 16> source{};
  std::array<uint8_t, 16> destination{};
};
static_assert(sizeof(Ipv6Header) == 40 && alignof(Ipv6Header) == 1);

// Hop-by-hop and destination options share this start (RFC 8200 section 4.2).
struct Ipv6Options {
  uint8_t next_header = 0;
  uint8_t length = 0;  // in units of 8 bytes, the first 8 not counted
};
static_assert(sizeof(Ipv6Options) == 2);

// RFC 8200 section 4.5.
struct Ipv6Fragment {
  uint8_t next_header = 0;
  uint8_t reserved = 0;
  core::be16 offset_more;  // offset 13 bits in units of 8 bytes, reserved 2 bits, more fragments 1 bit
  core::be32 identification;
};
static_assert(sizeof(Ipv6Fragment) == 8 && alignof(Ipv6Fragment) == 1);

inline constexpr uint8_t next_hop_by_hop = 0;
inline constexpr uint8_t next_fragment = 44;
inline constexpr uint8_t next_destination_options = 60;
inline constexpr size_t ipv6_extension_unit_bytes = 8;

// RFC 8200 section 4.1 knows three places for options; two more are patience. A chain is not walked further.
inline constexpr size_t ipv6_extensions_max = 5;

}  // namespace viaduct::net
