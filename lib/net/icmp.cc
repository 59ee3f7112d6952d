#include "net/icmp.h"

#include <algorithm>

#include "net/checksum.h"
#include "net/ipv4.h"
#include "net/ipv6.h"
#include "net/udp.h"

namespace viaduct::net {
namespace {

constexpr uint8_t protocol_icmp = 1, protocol_icmpv6 = 58;

// RFC 792: type, code, checksum, and four bytes whose meaning depends on the type; then the quotation.
struct IcmpHeader {
  uint8_t type = 0;
  uint8_t code = 0;
  core::be16 checksum;
  core::be16 unused;
  core::be16 mtu;  // RFC 1191 section 4; ICMPv6 has 32 bits (RFC 4443 section 3.2)
};
static_assert(sizeof(IcmpHeader) == 8 && alignof(IcmpHeader) == 1);

template <class Header>
const Header* whole_header(core::ByteView bytes, size_t offset) {
  static_assert(alignof(Header) == 1);
  if (bytes.size() < offset + sizeof(Header)) return nullptr;
  return reinterpret_cast<const Header*>(bytes.data() + offset);
}

bool quote_ports(core::ByteView quotation, size_t l4, IcmpError& error) {
  // Of the UDP header the first half is enough (RFC 792 promises 8 bytes, RFC 1812 more).
  const auto* source = whole_header<core::be16>(quotation, l4);
  const auto* destination = whole_header<core::be16>(quotation, l4 + sizeof(core::be16));
  if (source == nullptr || destination == nullptr) return false;
  error.source.port = source->value();
  error.destination.port = destination->value();
  return true;
}

// Later parts of a datagram have no ports to tell it by.
bool quote_ipv4(core::ByteView quotation, IcmpError& error) {
  const auto* ip = whole_header<Ipv4Header>(quotation, 0);
  if (ip == nullptr || ip->version_ihl >> 4 != 4 || ip->protocol != protocol_udp) return false;
  const size_t header_bytes = (ip->version_ihl & 0x0f) * ipv4_word_bytes;
  if (header_bytes < sizeof(Ipv4Header) || (ip->flags_offset.value() & ipv4_offset_mask) != 0) return false;
  error.source.address = IpAddress::v4(ip->source.data());
  error.destination.address = IpAddress::v4(ip->destination.data());
  return quote_ports(quotation, header_bytes, error);
}

// We send no extension headers but the fragment's.
bool quote_ipv6(core::ByteView quotation, IcmpError& error) {
  const auto* ip = whole_header<Ipv6Header>(quotation, 0);
  if (ip == nullptr || ip->version_class_flow.value() >> 28 != 6) return false;
  error.source.address = IpAddress::v6(ip->source.data());
  error.destination.address = IpAddress::v6(ip->destination.data());
  size_t l4 = sizeof(Ipv6Header);
  uint8_t next = ip->next_header;
  if (next == next_fragment) {
    const auto* fragment = whole_header<Ipv6Fragment>(quotation, l4);
    if (fragment == nullptr || fragment->offset_more.value() >> 3 != 0) return false;
    next = fragment->next_header;
    l4 += sizeof(Ipv6Fragment);
  }
  return next == protocol_udp && quote_ports(quotation, l4, error);
}

std::optional<IcmpError> read_v4(core::ByteView message) {
  constexpr uint8_t unreachable = 3, parameter_problem = 12, fragmentation_needed = 4, codes_of_hosts = 3;
  const auto* icmp = whole_header<IcmpHeader>(message, 0);
  if (icmp == nullptr || checksum_add(message) != 0xffff) return {};
  IcmpError error;
  if (icmp->type == unreachable && icmp->code == fragmentation_needed) {
    error.kind = IcmpError::Kind::too_big;
    error.mtu = icmp->mtu.value();
  } else if (!(icmp->type == unreachable && icmp->code <= codes_of_hosts) && icmp->type != parameter_problem) {
    return {};
  }
  if (!quote_ipv4(message.subspan(sizeof(IcmpHeader)), error)) return {};
  return error;
}

// The pseudo header of RFC 8200 section 8.1, with ICMPv6 for a protocol.
uint32_t pseudo_sum(const FrameView& view, size_t bytes) {
  const uint32_t sum = checksum_add(view.source.address.bytes);
  return checksum_add(view.destination.address.bytes, sum) + static_cast<uint32_t>(bytes) + protocol_icmpv6;
}

std::optional<IcmpError> read_v6(core::ByteView message, const FrameView& view) {
  constexpr uint8_t unreachable = 1, packet_too_big = 2, parameter_problem = 4;
  const auto* icmp = whole_header<IcmpHeader>(message, 0);
  if (icmp == nullptr || checksum_add(message, pseudo_sum(view, message.size())) != 0xffff) return {};
  IcmpError error;
  if (icmp->type == packet_too_big) {
    error.kind = IcmpError::Kind::too_big;
    error.mtu = uint32_t{icmp->unused.value()} << 16 | icmp->mtu.value();
  } else if (icmp->type != unreachable && icmp->type != parameter_problem) {
    return {};
  }
  if (!quote_ipv6(message.subspan(sizeof(IcmpHeader)), error)) return {};
  return error;
}

}  // namespace

std::optional<IcmpError> read_icmp_error(core::ByteView frame, const FrameView& view) {
  if (!view.has_addresses) return {};
  if (view.family == Family::ipv4) {
    const auto* ip = whole_header<Ipv4Header>(frame, view.l3);
    if (ip == nullptr || ip->protocol != protocol_icmp) return {};
    constexpr uint16_t part = ipv4_offset_mask | ipv4_more_fragments;
    const size_t begin = view.l3 + (ip->version_ihl & 0x0f) * ipv4_word_bytes;
    const size_t end = view.l3 + size_t{ip->total_length.value()};
    if ((ip->flags_offset.value() & part) != 0 || begin >= end || end > frame.size()) return {};
    return read_v4(frame.subspan(begin, end - begin));
  }
  const auto* ip = whole_header<Ipv6Header>(frame, view.l3);
  if (ip == nullptr || ip->next_header != protocol_icmpv6) return {};
  const size_t begin = view.l3 + sizeof(Ipv6Header), bytes = ip->payload_length.value();
  if (begin + bytes > frame.size()) return {};
  return read_v6(frame.subspan(begin, bytes), view);
}

}  // namespace viaduct::net
