#include "net/fragment.h"

#include <algorithm>
#include <cstring>

#include "net/checksum.h"
#include "net/ipv4.h"
#include "net/ipv6.h"
#include "net/udp.h"

namespace viaduct::net {
namespace {

constexpr size_t unit_bytes = 8;

template <class Header>
const Header* header_if_whole(core::ByteView frame, size_t offset) {
  static_assert(alignof(Header) == 1);
  if (frame.size() < offset + sizeof(Header)) return nullptr;
  return reinterpret_cast<const Header*>(frame.data() + offset);
}

// Where the part lies, by what the headers say.
struct Extent {
  size_t begin = 0;
  size_t end = 0;
};

bool read_ipv4(core::ByteView frame, Fragment& fragment, Extent& extent) {
  const auto* ip = header_if_whole<Ipv4Header>(frame, fragment.l3);
  if (ip == nullptr) return false;
  const uint16_t flags_offset = ip->flags_offset.value();
  fragment.identification = ip->identification.value();
  fragment.offset = static_cast<uint16_t>((flags_offset & ipv4_offset_mask) * unit_bytes);
  fragment.more = (flags_offset & ipv4_more_fragments) != 0;
  extent.begin = fragment.l3 + (ip->version_ihl & 0x0f) * ipv4_word_bytes;
  extent.end = fragment.l3 + size_t{ip->total_length.value()};
  return true;
}

// Options may come before the fragment header, for routers to read.
bool read_ipv6(core::ByteView frame, Fragment& fragment, Extent& extent) {
  const auto* ip = header_if_whole<Ipv6Header>(frame, fragment.l3);
  if (ip == nullptr) return false;
  uint8_t next = ip->next_header;
  extent.begin = fragment.l3 + sizeof(Ipv6Header);
  extent.end = extent.begin + ip->payload_length.value();
  for (size_t extensions = 0; next != next_fragment && extensions < ipv6_extensions_max; ++extensions) {
    const auto* options = header_if_whole<Ipv6Options>(frame, extent.begin);
    if (options == nullptr) return false;
    next = options->next_header;
    extent.begin += (size_t{options->length} + 1) * ipv6_extension_unit_bytes;
  }
  const auto* header = header_if_whole<Ipv6Fragment>(frame, extent.begin);
  if (header == nullptr || next != next_fragment) return false;
  fragment.identification = header->identification.value();
  fragment.offset = static_cast<uint16_t>(header->offset_more.value() & 0xfff8);
  fragment.more = (header->offset_more.value() & 1) != 0;
  extent.begin += sizeof(Ipv6Fragment);
  return true;
}

}  // namespace

FragmentFault read_fragment(core::ByteView frame, const FrameView& view, Fragment& fragment) {
  fragment = {};
  fragment.family = view.family;
  fragment.source = view.source.address;
  fragment.destination = view.destination.address;
  fragment.l3 = view.l3;
  Extent extent;
  const bool read =
      view.family == Family::ipv4 ? read_ipv4(frame, fragment, extent) : read_ipv6(frame, fragment, extent);
  if (!read || extent.end > std::min(frame.size(), size_t{UINT16_MAX})) return FragmentFault::cut;
  if (extent.begin >= extent.end) return FragmentFault::malformed;
  fragment.payload = static_cast<uint16_t>(extent.begin);
  fragment.bytes = static_cast<uint16_t>(extent.end - extent.begin);
  if (fragment.end() > UINT16_MAX) return FragmentFault::malformed;
  if (!fragment.more) return FragmentFault::none;
  if (fragment.bytes % unit_bytes != 0) return FragmentFault::malformed;
  return fragment.bytes < fragment_bytes_min ? FragmentFault::tiny : FragmentFault::none;
}

Cut::Cut(core::ByteView packet, size_t l2, size_t l3, uint16_t mtu, uint32_t identification)
    : packet_(packet), l2_(l2), l3_(l3), identification_(identification) {
  const size_t headers = l3 == sizeof(Ipv6Header) ? l3 + sizeof(Ipv6Fragment) : l3;
  front_ = l2 + headers;
  if (mtu < headers + unit_bytes || packet.size() <= l2 + l3) return;
  step_ = (mtu - headers) / unit_bytes * unit_bytes;
  count_ = (packet.size() - l2 - l3 + step_ - 1) / step_;
}

size_t Cut::write(size_t index, uint8_t* out) const {
  const size_t offset = index * step_;
  const core::ByteView datagram = packet_.subspan(l2_ + l3_);
  const core::ByteView part = datagram.subspan(offset, std::min(step_, datagram.size() - offset));
  const bool more = index + 1 < count_;
  std::memcpy(out, packet_.data(), l2_ + l3_);
  uint8_t* const l3 = out + l2_;
  if (front_ == l2_ + l3_) {
    auto& ip = *reinterpret_cast<Ipv4Header*>(l3);
    ip.total_length.set(static_cast<uint16_t>(l3_ + part.size()));
    ip.flags_offset.set(static_cast<uint16_t>((more ? ipv4_more_fragments : 0) | offset / unit_bytes));
    ip.checksum.set(0);
    ip.checksum = checksum({l3, l3_});
  } else {
    auto& ip = *reinterpret_cast<Ipv6Header*>(l3);
    ip.payload_length.set(static_cast<uint16_t>(sizeof(Ipv6Fragment) + part.size()));
    auto& header = *reinterpret_cast<Ipv6Fragment*>(l3 + l3_);
    header.next_header = ip.next_header;
    header.reserved = 0;
    header.offset_more.set(static_cast<uint16_t>(offset | (more ? 1 : 0)));
    header.identification.set(identification_);
    ip.next_header = next_fragment;
  }
  std::memcpy(out + front_, part.data(), part.size());
  return front_ + part.size();
}

}  // namespace viaduct::net
