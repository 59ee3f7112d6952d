// A UDP datagram in an Ethernet frame, as this program sends it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "net/address.h"

namespace viaduct::blast {

struct Flow {
  net::Mac source_mac, destination_mac;
  net::Endpoint source, destination;  // of one family
};

// Over IPv4 a UDP checksum of 0 means that there is none; IPv6 always has one.
enum class UdpChecksum : uint8_t { full, none };

inline constexpr size_t frame_headers_v4 = 14 + 20 + 8;
inline constexpr size_t frame_headers_v6 = 14 + 40 + 8;

inline size_t frame_headers(net::Family family) {
  return family == net::Family::ipv4 ? frame_headers_v4 : frame_headers_v6;
}

// Writes everything before the payload, which lies at `frame` + frame_headers(family) already; returns the frame's
// length.
size_t write_headers(uint8_t* frame, const Flow& flow, size_t payload_bytes, UdpChecksum kind = UdpChecksum::full);

}  // namespace viaduct::blast
