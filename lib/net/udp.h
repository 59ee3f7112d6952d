// The UDP header as it lies on the wire (RFC 768).
#pragma once

#include "core/endian.h"

namespace viaduct::net {

struct UdpHeader {
  core::be16 source_port;
  core::be16 destination_port;
  core::be16 length;    // header included
  core::be16 checksum;  // 0: none, over IPv4 only (RFC 8200 section 8.1)
};
static_assert(sizeof(UdpHeader) == 8 && alignof(UdpHeader) == 1);

}  // namespace viaduct::net
