// The Internet checksum (RFC 1071) of IPv4 headers and of UDP.
//
// A sum is the running total of 16-bit big-endian words in one's complement, as a host number; whoever holds one may
// add small numbers to it (a protocol, a length) before handing it on, as long as it stays below 2^32. Spans that are
// summed one after the other are laid end to end only if all but the last have an even length.
#pragma once

#include <cstdint>

#include "core/bytes.h"
#include "core/endian.h"
#include "net/address.h"

namespace viaduct::net {

// `sum` with the words of `bytes` added, folded to 16 bits; an odd last byte counts as if a zero followed.
uint32_t checksum_add(core::ByteView bytes, uint32_t sum = 0);

// What the checksum field of an IPv4 header gets, computed while the field is 0.
core::be16 checksum(core::ByteView header);

// Source, destination, protocol 17 and length as UDP adds them (RFC 768; RFC 8200 section 8.1). Both of one family.
uint32_t udp_pseudo_sum(const IpAddress& source, const IpAddress& destination, uint16_t udp_length);

// What the checksum field of a UDP datagram gets, computed while the field is 0: 0xffff where the computation gives 0,
// because a field of 0 means "none" (RFC 768). `udp` is header and payload.
core::be16 checksum_udp(core::ByteView udp, uint32_t pseudo_sum);

// What the field gets when a port completes it: the pseudo header's sum, not complemented.
core::be16 checksum_partial(uint32_t pseudo_sum);

}  // namespace viaduct::net
