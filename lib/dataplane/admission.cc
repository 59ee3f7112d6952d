#include "dataplane/admission.h"

#include <cstring>

namespace viaduct::dataplane {
namespace {

using telemetry::Reason;

uint16_t socket_at(const proxy::View& view, const net::Endpoint& endpoint) {
  return view.socket_of.value_or(endpoint, proxy::none);
}

// As far as the frame can be read, it was sent to one of our sockets.
bool seems_ours(const net::FrameView& frame, const proxy::View& view) {
  if (frame.has_ports) return socket_at(view, frame.destination) != proxy::none;
  if (frame.has_addresses) {
    return (view.known_at.value_or(frame.destination.address, 0) & proxy::address_of_socket) != 0;
  }
  return true;
}

// Nobody can be answered there (TRQ-14): what a glance at the address tells, before anything is parsed. Who plays us or
// a backend is found by the decision, which has to look for backends among the sources anyway (SEC-04). An IPv4-mapped
// address in an IPv6 packet is a disguise that would pass IPv4 filters (RFC 4942 section 2.2).
bool is_source_invalid(const net::FrameView& frame) {
  const net::IpAddress& address = frame.source.address;
  const unsigned first = address.v4_bytes()[0];
  const bool is_plain = first - 1 < 223 && first != 127;  // of IPv4: neither 0/8, nor loopback, nor multicast and above
  if (frame.family == net::Family::ipv4 && is_plain) return frame.source.port == 0;
  return frame.source.port == 0 || address.is_unspecified() || address.is_multicast() || address.is_broadcast() ||
         address.is_loopback() || (frame.family == net::Family::ipv6 && address.is_v4());
}

// Two loads compare sooner than six octets do.
uint64_t number_of(const net::Mac& mac) {
  uint32_t first;
  uint16_t last;
  std::memcpy(&first, mac.bytes.data(), sizeof first);
  std::memcpy(&last, mac.bytes.data() + sizeof first, sizeof last);
  return first | uint64_t{last} << 32;
}

Reason reason_of(net::FrameError error) {
  switch (error) {
    case net::FrameError::fragment: return Reason::fragment;
    case net::FrameError::zero_checksum_v6: return Reason::udp_checksum_zero_v6;
    default: return Reason::frame_truncated;
  }
}

}  // namespace

Admission admit(const Packet& packet, const View& view, net::FrameView& frame) {
  const PortView& port = view.ports[packet.port];
  const proxy::View& proxy = *view.proxy;
  const Reason others = port.has_twin ? Reason::left_to_kernel : Reason::not_for_us;

  const net::FrameError error = net::parse_frame({packet.data, packet.length}, frame);
  // af_packet also hears what its own host sends.
  const uint64_t own_mac = number_of(port.mac);
  if (own_mac != 0 && own_mac == number_of(frame.source_mac)) return Admission::refused(others);
  if (error == net::FrameError::not_ip || error == net::FrameError::not_udp) return Admission::refused(others);
  // No listener is behind an IPv4 address in IPv6 clothes.
  if (frame.family == net::Family::ipv6 && frame.destination.address.is_v4()) return Admission::refused(others);
  if (error != net::FrameError::none) [[unlikely]] {
    return Admission::refused(seems_ours(frame, proxy) ? reason_of(error) : others);
  }

  const uint16_t socket = socket_at(proxy, frame.destination);
  if (socket == proxy::none) return Admission::refused(others);
  // Only what the port itself found: over veth a checksum may arrive half made, to be completed by hardware that never
  // is.
  if (packet.ip_checksum == ChecksumState::bad) return Admission::refused(Reason::ip_checksum_bad);
  if (packet.udp_checksum == ChecksumState::bad) return Admission::refused(Reason::udp_checksum_bad);
  if (is_source_invalid(frame)) return Admission::refused(Reason::source_invalid);
  return Admission::to(socket);
}

}  // namespace viaduct::dataplane
