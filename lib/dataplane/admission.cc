#include "dataplane/admission.h"

namespace viaduct::dataplane {
namespace {

using telemetry::Reason;

uint16_t socket_at(const proxy::View& view, const net::Endpoint& endpoint) {
  return view.socket_of.value_or(endpoint, proxy::none);
}

// As far as the frame can be read, it was sent to one of our sockets.
bool seems_ours(const net::FrameView& frame, const proxy::View& view) {
  if (frame.has_ports) return socket_at(view, frame.destination) != proxy::none;
  if (frame.has_addresses) return view.socket_at.contains(frame.destination.address);
  return true;
}

// Nobody can be answered there (TRQ-14): what a glance at the address tells, before anything is parsed. Who plays us or
// a backend is found by the decision, which has to look for backends among the sources anyway (SEC-04). An IPv4-mapped
// address in an IPv6 packet is a disguise that would pass IPv4 filters (RFC 4942 section 2.2).
bool is_source_invalid(const net::FrameView& frame) {
  const net::IpAddress& address = frame.source.address;
  return frame.source.port == 0 || address.is_unspecified() || address.is_multicast() || address.is_broadcast() ||
         address.is_loopback() || (frame.family == net::Family::ipv6 && address.is_v4());
}

Reason reason_of(net::FrameError error) {
  switch (error) {
    case net::FrameError::fragment:
      return Reason::fragment;
    case net::FrameError::zero_checksum_v6:
      return Reason::udp_checksum_zero_v6;
    default:
      return Reason::frame_truncated;
  }
}

}  // namespace

Admission admit(const Packet& packet, const View& view, net::FrameView& frame) {
  const PortView& port = view.ports[packet.port];
  const proxy::View& proxy = *view.proxy;
  const Admission others = Admission::refused(port.has_twin ? Reason::left_to_kernel : Reason::not_for_us);

  const net::FrameError error = net::parse_frame({packet.data, packet.length}, frame);
  // af_packet also hears what its own host sends.
  if (!port.mac.is_zero() && frame.source_mac == port.mac) return others;
  if (error == net::FrameError::not_ip || error == net::FrameError::not_udp) return others;
  // No listener is behind an IPv4 address in IPv6 clothes.
  if (frame.family == net::Family::ipv6 && frame.destination.address.is_v4()) return others;
  if (error != net::FrameError::none) {
    return seems_ours(frame, proxy) ? Admission::refused(reason_of(error)) : others;
  }

  const uint16_t socket = socket_at(proxy, frame.destination);
  if (socket == proxy::none) return others;
  // Only what the port itself found: over veth a checksum may arrive half made, to be completed by hardware that never
  // is.
  if (packet.ip_checksum == ChecksumState::bad) return Admission::refused(Reason::ip_checksum_bad);
  if (packet.udp_checksum == ChecksumState::bad) return Admission::refused(Reason::udp_checksum_bad);
  if (is_source_invalid(frame)) return Admission::refused(Reason::source_invalid);
  return Admission::to(socket);
}

}  // namespace viaduct::dataplane
