#include "net/frame.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "net/ipv4.h"
#include "net/ipv6.h"
#include "net/udp.h"

namespace viaduct::net {
namespace {

// What an IP header leads to: [begin, end) of the frame holds the payload.
struct Transport {
  size_t begin = 0;
  size_t end = 0;
  bool cut = false;  // the frame ends before the packet does
};

// The wire structs are made of bytes, so they may be read where they lie.
template <class Header>
const Header& header_at(core::ByteView frame, size_t offset) {
  static_assert(alignof(Header) == 1);
  return *reinterpret_cast<const Header*>(frame.data() + offset);
}

template <class Header>
bool holds(core::ByteView frame, size_t offset) {
  return frame.size() >= offset + sizeof(Header);
}

// Ethernet and tags; `type` is the EtherType of what follows. False: the frame ends too early.
bool read_link(core::ByteView frame, FrameView& view, uint16_t& type) {
  if (!holds<EthernetHeader>(frame, 0)) return false;
  const EthernetHeader& ethernet = header_at<EthernetHeader>(frame, 0);
  view.destination_mac = ethernet.destination;
  view.source_mac = ethernet.source;
  size_t l3 = sizeof(EthernetHeader);
  type = ethernet.type.value();
  for (size_t tags = 0; is_vlan_ethertype(type) && tags < vlan_tags_max; ++tags) {
    if (!holds<VlanTag>(frame, l3)) return false;
    type = header_at<VlanTag>(frame, l3).type.value();
    l3 += sizeof(VlanTag);
  }
  view.l3 = static_cast<uint16_t>(l3);
  std::memcpy(view.tags.data(), frame.data() + 2 * sizeof(Mac), l3 - sizeof(EthernetHeader));
  return true;
}

// The ports, where the frame reaches so far.
bool read_ports(core::ByteView frame, size_t l4, FrameView& view) {
  if (!holds<UdpHeader>(frame, l4)) return false;
  const UdpHeader& udp = header_at<UdpHeader>(frame, l4);
  view.l4 = static_cast<uint16_t>(l4);
  view.has_ports = true;
  view.source.port = udp.source_port.value();
  view.destination.port = udp.destination_port.value();
  return true;
}

FrameError read_udp(core::ByteView frame, const Transport& transport, FrameView& view) {
  if (!read_ports(frame, transport.begin, view) || transport.cut) return FrameError::truncated;
  const UdpHeader& udp = header_at<UdpHeader>(frame, transport.begin);
  const size_t length = udp.length.value();
  if (length < sizeof(UdpHeader) || length > transport.end - transport.begin) return FrameError::truncated;
  view.payload = static_cast<uint16_t>(transport.begin + sizeof(UdpHeader));
  view.payload_bytes = static_cast<uint16_t>(length - sizeof(UdpHeader));
  if (udp.checksum.value() == 0 && view.family == Family::ipv6) return FrameError::zero_checksum_v6;
  return FrameError::none;
}

FrameError read_ipv4(core::ByteView frame, FrameView& view) {
  if (!holds<Ipv4Header>(frame, view.l3)) return FrameError::truncated;
  const Ipv4Header& ip = header_at<Ipv4Header>(frame, view.l3);
  const size_t header_bytes = (ip.version_ihl & 0x0f) * ipv4_word_bytes;
  if (ip.version_ihl >> 4 != 4 || header_bytes < sizeof(Ipv4Header)) return FrameError::not_ip;
  view.has_addresses = true;
  view.dscp = ip.traffic_class >> 2;
  view.source.address = IpAddress::v4(ip.source.data());
  view.destination.address = IpAddress::v4(ip.destination.data());
  if (ip.protocol != protocol_udp) return FrameError::not_udp;

  Transport transport{.begin = view.l3 + header_bytes, .end = view.l3 + size_t{ip.total_length.value()}, .cut = false};
  if (transport.end < transport.begin) return FrameError::truncated;
  if (transport.end > frame.size()) transport.end = frame.size(), transport.cut = true;
  const uint16_t offset = ip.flags_offset.value() & ipv4_offset_mask;
  if (offset != 0) return FrameError::fragment;
  if (ip.flags_offset.value() & ipv4_more_fragments) {
    read_ports(frame.first(transport.end), transport.begin, view);
    return FrameError::fragment;
  }
  return read_udp(frame.first(transport.end), transport, view);
}

// Walks options up to UDP or a fragment header.
FrameError read_extensions(core::ByteView frame, uint8_t next, Transport transport, FrameView& view) {
  for (size_t extensions = 0; extensions <= ipv6_extensions_max; ++extensions) {
    if (next == protocol_udp) return read_udp(frame, transport, view);
    if (next == next_fragment) {
      if (!holds<Ipv6Fragment>(frame, transport.begin)) return FrameError::truncated;
      const Ipv6Fragment& fragment = header_at<Ipv6Fragment>(frame, transport.begin);
      if (fragment.next_header != protocol_udp) return FrameError::not_udp;
      const uint16_t offset_more = fragment.offset_more.value();
      const bool first = offset_more >> 3 == 0;
      transport.begin += sizeof(Ipv6Fragment);
      // RFC 6946: offset 0 and no more to come is a whole datagram with a superfluous header.
      if (first && (offset_more & 1) == 0) return read_udp(frame, transport, view);
      if (first) read_ports(frame, transport.begin, view);
      return FrameError::fragment;
    }
    if (next != next_hop_by_hop && next != next_destination_options) return FrameError::not_udp;
    if (!holds<Ipv6Options>(frame, transport.begin)) return FrameError::truncated;
    const Ipv6Options& options = header_at<Ipv6Options>(frame, transport.begin);
    next = options.next_header;
    transport.begin += (size_t{options.length} + 1) * ipv6_extension_unit_bytes;
    if (transport.begin > transport.end) return FrameError::truncated;
  }
  return FrameError::not_udp;
}

FrameError read_ipv6(core::ByteView frame, FrameView& view) {
  if (!holds<Ipv6Header>(frame, view.l3)) return FrameError::truncated;
  const Ipv6Header& ip = header_at<Ipv6Header>(frame, view.l3);
  if (ip.version_class_flow.value() >> 28 != 6) return FrameError::not_ip;
  view.has_addresses = true;
  view.family = Family::ipv6;
  view.dscp = static_cast<uint8_t>(ip.version_class_flow.value() >> 22 & 0x3f);
  view.source.address = IpAddress::v6(ip.source.data());
  view.destination.address = IpAddress::v6(ip.destination.data());

  Transport transport{.begin = view.l3 + sizeof(Ipv6Header), .end = 0, .cut = false};
  transport.end = transport.begin + ip.payload_length.value();
  if (transport.end > frame.size()) transport.end = frame.size(), transport.cut = true;
  return read_extensions(frame.first(transport.end), ip.next_header, transport, view);
}

template <class Word>
Word word_at(const uint8_t* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// Ethernet without tags, IPv4 without options, UDP, all of it there and in one piece: nearly every frame, read without
// a step from header to header. False if it is anything else; then `view` means nothing.
bool parse_usual(core::ByteView frame, FrameView& view) {
  static_assert(std::endian::native == std::endian::little, "masks of several fields at once");
  constexpr size_t l3 = sizeof(EthernetHeader), l4 = l3 + sizeof(Ipv4Header), payload = l4 + sizeof(UdpHeader);
  if (frame.size() < payload) return false;
  const uint8_t* const octets = frame.data();
  const auto type_version = word_at<uint32_t>(octets + 12);       // EtherType, version and length, traffic class
  const auto fragment_protocol = word_at<uint32_t>(octets + 20);  // MF and offset, TTL, protocol
  if ((type_version & 0x00ffffff) != 0x00450008 || (fragment_protocol & 0xff00ff3f) != 0x11000000) return false;
  const size_t total_length = core::swap_if_little(word_at<uint16_t>(octets + 16));
  const size_t udp_length = core::swap_if_little(word_at<uint16_t>(octets + 38));
  if (l3 + total_length > frame.size() || udp_length < sizeof(UdpHeader)) return false;
  if (udp_length + sizeof(Ipv4Header) > total_length) return false;

  std::memcpy(&view.destination_mac, octets, sizeof(Mac));
  std::memcpy(&view.source_mac, octets + sizeof(Mac), sizeof(Mac));
  view.l3 = l3;
  view.tags = {};
  view.has_addresses = view.has_ports = true;
  view.family = Family::ipv4;
  view.dscp = static_cast<uint8_t>(type_version >> 26);
  view.source.address = IpAddress::v4(octets + 26);
  view.destination.address = IpAddress::v4(octets + 30);
  view.source.port = core::swap_if_little(word_at<uint16_t>(octets + 34));
  view.destination.port = core::swap_if_little(word_at<uint16_t>(octets + 36));
  view.l4 = l4;
  view.payload = payload;
  view.payload_bytes = static_cast<uint16_t>(udp_length - sizeof(UdpHeader));
  return true;
}

}  // namespace

FrameError parse_frame(core::ByteView frame, FrameView& view) {
  frame = frame.first(std::min(frame.size(), size_t{UINT16_MAX}));
  if (parse_usual(frame, view)) [[likely]]
    return FrameError::none;
  view = FrameView{};
  uint16_t type = 0;
  if (!read_link(frame, view, type)) return FrameError::truncated;
  switch (type) {
    case ethertype_ipv4: return read_ipv4(frame, view);
    case ethertype_ipv6: return read_ipv6(frame, view);
    default: return FrameError::not_ip;
  }
}

}  // namespace viaduct::net
