// ICMP errors about datagrams that were sent: what they quote and what they say (RFC 792, RFC 1191, RFC 4443).
//
// Anybody can send one. What is read here is well formed and quotes the beginning of a UDP datagram; whether that
// datagram was ours is for the caller to find out.
#pragma once

#include <cstdint>
#include <optional>

#include "core/bytes.h"
#include "net/address.h"
#include "net/frame.h"

namespace viaduct::net {

struct IcmpError {
  enum class Kind : uint8_t {
    unreachable,  // network, host, protocol or port; or a router could not read the header (RFC 3261 section 18.4)
    too_big,      // for a link on the way
  };
  Kind kind = Kind::unreachable;
  Endpoint source;       // of the quoted datagram: its sender
  Endpoint destination;  // where it was bound for
  uint32_t mtu = 0;      // of the link for which it was too big; 0: not said
};

// Reads a frame of which `parse_frame` said `not_udp`. Nothing: no such error, or its checksum is wrong. Source quench
// and "time exceeded" are not errors that a proxy acts on (RFC 3261 section 18.4). Thread: any.
std::optional<IcmpError> read_icmp_error(core::ByteView frame, const FrameView& view);

}  // namespace viaduct::net
