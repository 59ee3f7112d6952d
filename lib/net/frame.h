// A received frame, taken apart.
//
// `parse_frame` believes nothing: every length is checked against what really arrived, because some ports cut frames
// without a word (af_packet at its frame size) and every switch may pad them. What it finds out before it meets a
// fault stays in the view, so that the caller can still say whom the frame was for: an ill frame for somebody else is
// not ours to judge.
#pragma once

#include <array>
#include <cstdint>

#include "core/bytes.h"
#include "net/address.h"
#include "net/ethernet.h"

namespace viaduct::net {

enum class FrameError : uint8_t {
  none,              // a whole UDP datagram
  not_ip,            // another EtherType, or a header that is not the IP version it claims
  not_udp,           // another protocol, or behind extension headers that are not walked
  truncated,         // shorter than its Ethernet, IP or UDP header or length says
  fragment,          // a part of a datagram
  zero_checksum_v6,  // UDP over IPv6 without a checksum (RFC 8200 section 8.1)
};

struct FrameView {
  // Valid for every error but `truncated` in the Ethernet header itself.
  Mac destination_mac;
  Mac source_mac;
  uint16_t l3 = 0;                                // offset of the IP header: Ethernet header and tags
  std::array<uint8_t, 4 * vlan_tags_max> tags{};  // with their EtherTypes, as they lay; the first l3 - 14 bytes

  // Valid once the IP header was read whole.
  bool has_addresses = false;
  Family family = Family::ipv4;  // of the packet; an IPv4-mapped address in an IPv6 packet still reads as IPv4
  uint8_t dscp = 0;              // RFC 2474
  Endpoint source;               // the ports are 0 without `has_ports`
  Endpoint destination;

  // Valid once the UDP header was read whole.
  bool has_ports = false;
  uint16_t l4 = 0;

  // Valid without an error.
  uint16_t payload = 0;        // offset of the datagram's first byte
  uint16_t payload_bytes = 0;  // by the UDP length: padding behind it is not part of it (rule SEC-01)
};

// Reads `frame` from its Ethernet header on; of frames above 65,535 bytes only so many are looked at. Thread: any.
FrameError parse_frame(core::ByteView frame, FrameView& view);

}  // namespace viaduct::net
