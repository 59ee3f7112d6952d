// Ethernet II and its tags as they lie on the wire.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/endian.h"
#include "net/address.h"

namespace viaduct::net {

// EtherType numbers (IANA "IEEE 802 Numbers").
inline constexpr uint16_t ethertype_ipv4 = 0x0800;  // RFC 894
inline constexpr uint16_t ethertype_vlan = 0x8100;  // IEEE 802.1Q, customer tag
inline constexpr uint16_t ethertype_ipv6 = 0x86dd;  // RFC 2464
inline constexpr uint16_t ethertype_qinq = 0x88a8;  // IEEE 802.1ad, service tag

struct EthernetHeader {
  Mac destination;
  Mac source;
  core::be16 type;
};
static_assert(sizeof(EthernetHeader) == 14 && alignof(EthernetHeader) == 1);

// Follows a header whose type is `ethertype_vlan` or `ethertype_qinq`; says the type of what comes next.
struct VlanTag {
  core::be16 control;  // priority 3 bits, drop eligible 1 bit, VLAN 12 bits
  core::be16 type;
};
static_assert(sizeof(VlanTag) == 4 && alignof(VlanTag) == 1);

// A customer's tag inside a provider's; deeper stacks are nobody's access network.
inline constexpr size_t vlan_tags_max = 2;

constexpr bool is_vlan_ethertype(uint16_t type) { return type == ethertype_vlan || type == ethertype_qinq; }

}  // namespace viaduct::net
