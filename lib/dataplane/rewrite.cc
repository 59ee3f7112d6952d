// Identification and DF. RFC 6864 asks that a datagram which may be fragmented does not repeat its identification
// within two minutes between the same two hosts, which 16 bits cannot give above 546 datagrams/s, or that DF is set and
// the field means nothing. DF is the tidier answer, but it needs somebody who hears ICMP "fragmentation needed" and
// sends smaller datagrams; SIP over UDP cannot be sent smaller (RFC 3261 section 18.1.1 expects fragments), so a tunnel
// with a lower MTU would swallow every large INVITE and all its retransmissions. DF stays clear, workers take turns in
// numbering, and the UDP checksum, which we always send, is the integrity check that RFC 6864 section 4.3 wants for
// what is mixed up all the same.
#include "dataplane/rewrite.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "dataplane/splice.h"
#include "net/checksum.h"
#include "net/ethernet.h"
#include "net/ipv4.h"
#include "net/ipv6.h"
#include "net/udp.h"

namespace viaduct::dataplane {
namespace {

using telemetry::Reason;

constexpr unsigned dscp_shift = 2;  // ECN, the lower two bits, stays 0: UDP here does not react to marks (RFC 3168)

// The writable memory around a packet.
struct Room {
  uint8_t* begin;
  uint8_t* end;
  explicit Room(const Packet& packet)
      : begin(packet.data - packet.headroom), end(packet.data + packet.length + packet.tailroom) {}
  explicit Room(const Berth& berth) : begin(berth.data), end(berth.data + berth.bytes) {}
};

// A message where it will leave from.
struct Text {
  uint8_t* begin;
  uint8_t* end;
  size_t size() const { return static_cast<size_t>(end - begin); }
};

bool is_v4(const Envelope& envelope) { return envelope.destination.address.is_v4(); }

// Everything that depends on the family is asked for once a message.
template <bool v4>
constexpr size_t ip_bytes = v4 ? sizeof(net::Ipv4Header) : sizeof(net::Ipv6Header);

// Of the link's header. VLAN tags are of the port where the frame came: another port has other VLANs, and whoever sends
// us frames must not choose one there.
size_t link_bytes(const Packet& packet, const net::FrameView& frame, const Envelope& envelope) {
  return packet.port == envelope.port ? frame.l3 : sizeof(net::EthernetHeader);
}

template <bool v4>
size_t header_bytes(size_t l2_bytes) {
  return l2_bytes + ip_bytes<v4> + sizeof(net::UdpHeader);
}

template <bool v4>
bool over_mtu(size_t message_bytes, const Envelope& envelope) {
  return ip_bytes<v4> + sizeof(net::UdpHeader) + message_bytes > envelope.mtu;
}

uint16_t bounded(std::ptrdiff_t bytes) { return static_cast<uint16_t>(std::min<std::ptrdiff_t>(bytes, UINT16_MAX)); }

template <class Header>
Header& header_at(uint8_t* place) {
  static_assert(alignof(Header) == 1);
  return *reinterpret_cast<Header*>(place);
}

template <bool v4>
[[gnu::always_inline]] inline uint8_t* write_ethernet(uint8_t* place, size_t l2_bytes, const net::FrameView& frame,
                                                      const Envelope& envelope) {
  std::memcpy(place, envelope.destination_mac.bytes.data(), sizeof(net::Mac));
  std::memcpy(place + sizeof(net::Mac), envelope.source_mac.bytes.data(), sizeof(net::Mac));
  uint8_t* const tags = place + 2 * sizeof(net::Mac);
  std::memcpy(tags, frame.tags.data(), frame.tags.size());  // all of it: what is too much is overwritten next
  uint8_t* const type = place + l2_bytes - sizeof(core::be16);
  header_at<core::be16>(type).set(v4 ? net::ethertype_ipv4 : net::ethertype_ipv6);
  return type + sizeof(core::be16);
}

// The words of the pseudo-header as the machine sees them (net/checksum.h), but for the length.
template <bool v4>
[[gnu::always_inline]] inline uint64_t sum_of_addresses(const Envelope& envelope) {
  const auto word = [](const uint8_t* at) {
    uint32_t value;
    std::memcpy(&value, at, sizeof value);
    return uint64_t{value};
  };
  const auto& source = envelope.source.address;
  const auto& destination = envelope.destination.address;
  if constexpr (v4) return word(source.v4_bytes()) + word(destination.v4_bytes());
  uint64_t sum = 0;
  for (size_t at = 0; at < source.bytes.size(); at += 4) sum += word(&source.bytes[at]) + word(&destination.bytes[at]);
  return sum;
}

uint16_t on_wire(uint16_t number) { return core::swap_if_little(number); }

// Put together in registers: what is written octet by octet and then read for its sum keeps the reader waiting.
[[gnu::always_inline]] inline uint8_t* write_ipv4(uint8_t* place, uint16_t udp_length, const net::FrameView& frame,
                                                  const Envelope& envelope, uint64_t address_sum) {
  static_assert(std::endian::native == std::endian::little);
  const auto total_length = static_cast<uint16_t>(sizeof(net::Ipv4Header) + udp_length);
  const uint32_t traffic_class = static_cast<uint32_t>(frame.dscp) << dscp_shift;
  const uint64_t version_to_length =
      net::ipv4_version_ihl | traffic_class << 8 | static_cast<uint32_t>(on_wire(total_length)) << 16;
  const uint64_t identification = on_wire(envelope.identification);
  const uint64_t life_and_protocol = net::time_to_live_default | net::protocol_udp << 8;
  uint64_t checksum = 0;
  if (!envelope.ipv4_checksum_offload) {
    const uint64_t sum = version_to_length + identification + life_and_protocol + address_sum;
    checksum = static_cast<uint16_t>(~net::fold_machine_sum(sum));
  }
  const uint64_t first = version_to_length | identification << 32;
  const auto second = static_cast<uint32_t>(life_and_protocol | checksum << 16);
  std::memcpy(place, &first, 8);
  std::memcpy(place + 8, &second, 4);
  std::memcpy(place + 12, envelope.source.address.v4_bytes(), 4);
  std::memcpy(place + 16, envelope.destination.address.v4_bytes(), 4);
  return place + sizeof(net::Ipv4Header);
}

uint8_t* write_ipv6(uint8_t* place, uint16_t udp_length, const net::FrameView& frame, const Envelope& envelope) {
  auto& ip = header_at<net::Ipv6Header>(place);
  ip.version_class_flow.set(uint32_t{6} << 28 | static_cast<uint32_t>(frame.dscp << dscp_shift) << 20);
  ip.payload_length.set(udp_length);
  ip.next_header = net::protocol_udp;
  ip.hop_limit = net::time_to_live_default;
  ip.source = envelope.source.address.bytes;
  ip.destination = envelope.destination.address.bytes;
  return place + sizeof ip;
}

// `message_sum`: the message's own, of no use if the port does the sum.
[[gnu::always_inline]] inline void write_udp(uint8_t* place, uint16_t udp_length, uint64_t message_sum,
                                             const Envelope& envelope, uint64_t address_sum) {
  const uint64_t source = on_wire(envelope.source.port), destination = on_wire(envelope.destination.port);
  const uint64_t length = on_wire(udp_length);
  const uint64_t sum = address_sum + on_wire(net::protocol_udp) + length;
  uint64_t checksum = 0;
  if (envelope.udp_checksum_offload) {
    checksum = net::fold_machine_sum(sum);
  } else {
    checksum = static_cast<uint16_t>(~net::fold_machine_sum(sum + source + destination + length + message_sum));
    if (checksum == 0) checksum = 0xffff;  // 0 means "none" (RFC 768)
  }
  const uint64_t header = source | destination << 16 | length << 32 | checksum << 48;
  std::memcpy(place, &header, sizeof header);
}

// Puts headers before the message and makes `packet` the frame they form.
template <bool v4>
[[gnu::always_inline]] inline void write_headers(Packet& packet, const Room& room, const Text& text,
                                                 uint64_t message_sum, size_t l2_bytes, const net::FrameView& frame,
                                                 const Envelope& envelope) {
  uint8_t* const data = text.begin - header_bytes<v4>(l2_bytes);
  const auto udp_length = static_cast<uint16_t>(sizeof(net::UdpHeader) + text.size());
  const uint64_t address_sum = sum_of_addresses<v4>(envelope);
  uint8_t* const ip = write_ethernet<v4>(data, l2_bytes, frame, envelope);
  uint8_t* udp;
  if constexpr (v4) {
    udp = write_ipv4(ip, udp_length, frame, envelope, address_sum);
  } else {
    udp = write_ipv6(ip, udp_length, frame, envelope);
  }
  write_udp(udp, udp_length, message_sum, envelope, address_sum);

  packet.data = data;
  packet.length = static_cast<uint32_t>(text.end - data);
  packet.headroom = bounded(data - room.begin);
  packet.tailroom = bounded(room.end - text.end);
  packet.port = envelope.port;
  packet.l2_bytes = static_cast<uint8_t>(l2_bytes);
  packet.l3_bytes = static_cast<uint8_t>(ip_bytes<v4>);
  const bool port_writes_ip = v4 && envelope.ipv4_checksum_offload;
  packet.ip_checksum = port_writes_ip ? ChecksumState::unknown : ChecksumState::good;
  packet.udp_checksum = envelope.udp_checksum_offload ? ChecksumState::unknown : ChecksumState::good;
}

template <bool v4>
std::optional<Reason> rewrite_forwarded_to(Packet& packet, const net::FrameView& frame, const sip::Message& message,
                                           const proxy::Edits& edits, const Envelope& envelope, const Berth& berth) {
  uint8_t* const received = packet.data + frame.payload;
  const size_t l2_bytes = link_bytes(packet, frame, envelope);
  // CRLFs before the start line are read over and not sent on (PAR-18), unless an edit removes them anyway.
  const uint16_t leading = message.start_line.begin;
  const bool edited = edits.count() != 0 && edits[0].begin < leading;
  const uint16_t from = edited ? 0 : leading;
  const auto size = static_cast<size_t>(message.end - from + edits.growth());
  if (over_mtu<v4>(size, envelope)) return Reason::over_mtu;
  const size_t headers = header_bytes<v4>(l2_bytes);
  if (berth.holds(headers + size, headers - l2_bytes + size)) {
    uint8_t* const begin = berth.data + headers;
    const uint64_t sum = splice_to(edits, received, from, message.end, begin);
    write_headers<v4>(packet, Room(berth), {begin, begin + size}, sum, l2_bytes, frame, envelope);
    return {};
  }

  const Room room(packet);
  const std::ptrdiff_t space = received - room.begin - edits.growth();  // before the message as it will be
  if (space < static_cast<std::ptrdiff_t>(headers)) return Reason::no_headroom;
  const Text text{.begin = room.begin + space + from, .end = received + message.end};
  // Where the port does the sum, the body need not be looked at.
  const uint16_t last_edit = edits.count() == 0 ? from : edits[edits.count() - 1].end;
  const uint64_t sum = splice(edits, received, from, envelope.udp_checksum_offload ? last_edit : message.end);
  write_headers<v4>(packet, room, text, sum, l2_bytes, frame, envelope);
  return {};
}

template <bool v4>
std::optional<Reason> rewrite_reply_to(Packet& packet, const net::FrameView& frame, std::string_view reply,
                                       const Envelope& envelope, const Berth& berth) {
  if (over_mtu<v4>(reply.size(), envelope)) return Reason::over_mtu;
  const size_t l2_bytes = link_bytes(packet, frame, envelope);
  const auto headers = static_cast<std::ptrdiff_t>(header_bytes<v4>(l2_bytes));
  const auto size = static_cast<std::ptrdiff_t>(reply.size());
  const bool berthed = berth.holds(static_cast<size_t>(headers + size), static_cast<size_t>(headers + size) - l2_bytes);
  const Room room = berthed ? Room(berth) : Room(packet);
  if (room.end - room.begin < headers + size) return Reason::no_headroom;
  // Where the message was, if that leaves space for the headers before and for the text behind; else as far as needed.
  uint8_t* const begin =
      berthed ? berth.data + headers : std::clamp(packet.data + frame.payload, room.begin + headers, room.end - size);
  std::memcpy(begin, reply.data(), reply.size());
  const uint64_t sum = net::machine_sum(core::bytes_of(reply));
  write_headers<v4>(packet, room, {.begin = begin, .end = begin + size}, sum, l2_bytes, frame, envelope);
  return {};
}

}  // namespace

std::optional<Reason> rewrite_forwarded(Packet& packet, const net::FrameView& frame, const sip::Message& message,
                                        const proxy::Edits& edits, const Envelope& envelope, const Berth& berth) {
  return is_v4(envelope) ? rewrite_forwarded_to<true>(packet, frame, message, edits, envelope, berth)
                         : rewrite_forwarded_to<false>(packet, frame, message, edits, envelope, berth);
}

std::optional<Reason> rewrite_reply(Packet& packet, const net::FrameView& frame, std::string_view reply,
                                    const Envelope& envelope, const Berth& berth) {
  return is_v4(envelope) ? rewrite_reply_to<true>(packet, frame, reply, envelope, berth)
                         : rewrite_reply_to<false>(packet, frame, reply, envelope, berth);
}

}  // namespace viaduct::dataplane
