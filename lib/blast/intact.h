// Whether what came would reach a program: a host drops what its checksums say is damaged (RFC 1122 sections 3.2.1.2
// and 4.1.3.4), so it must not count as an answer.
#pragma once

#include "core/bytes.h"
#include "dataplane/packet.h"
#include "net/checksum.h"
#include "net/frame.h"
#include "net/ipv4.h"
#include "net/udp.h"

namespace viaduct::blast {

// Of the IP header, where `packet` says nothing of it. IPv6 has none. Needs the header read whole.
inline bool ip_checksum_holds(const dataplane::Packet& packet, core::ByteView bytes, const net::FrameView& frame) {
  if (frame.family == net::Family::ipv6 || packet.ip_checksum == dataplane::ChecksumState::good) return true;
  if (packet.ip_checksum == dataplane::ChecksumState::bad) return false;
  const size_t header_bytes = size_t{bytes[frame.l3]} % 16 * 4;
  return net::fold_machine_sum(net::machine_sum(bytes.subspan(frame.l3, header_bytes))) == 0xffff;
}

// Of a whole datagram in `bytes`. `half_made`: what a kernel on this host sends may hold the pseudo header's sum, to be
// completed by hardware that its way does not have.
inline bool udp_checksum_holds(core::ByteView bytes, const net::FrameView& frame, bool half_made) {
  const core::ByteView datagram = bytes.subspan(frame.l4, sizeof(net::UdpHeader) + frame.payload_bytes);
  const uint16_t field = reinterpret_cast<const net::UdpHeader*>(datagram.data())->checksum.value();
  if (field == 0) return frame.family == net::Family::ipv4;  // none (RFC 768)
  const uint32_t pseudo =
      net::udp_pseudo_sum(frame.source.address, frame.destination.address, static_cast<uint16_t>(datagram.size()));
  if (net::checksum_add(datagram, pseudo) == 0xffff) return true;
  return half_made && net::checksum_add({}, pseudo) == field;
}

}  // namespace viaduct::blast
