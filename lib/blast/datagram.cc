#include "blast/datagram.h"

#include <algorithm>

#include "net/checksum.h"
#include "net/ethernet.h"
#include "net/ipv4.h"
#include "net/ipv6.h"
#include "net/udp.h"

namespace viaduct::blast {
namespace {

using core::be16;
using core::be32;

void seal_udp(uint8_t* udp_bytes, const net::IpAddress& source, const net::IpAddress& destination, size_t udp_length,
              UdpChecksum kind) {
  auto& udp = *reinterpret_cast<net::UdpHeader*>(udp_bytes);
  udp.checksum = be16(0);
  if (kind == UdpChecksum::none && source.is_v4()) return;
  const uint32_t pseudo = net::udp_pseudo_sum(source, destination, static_cast<uint16_t>(udp_length));
  udp.checksum = net::checksum_udp({udp_bytes, udp_length}, pseudo);
}

}  // namespace

size_t write_headers(uint8_t* frame, const Flow& flow, size_t payload_bytes, UdpChecksum kind) {
  const bool v4 = flow.source.address.is_v4();
  auto& ethernet = *reinterpret_cast<net::EthernetHeader*>(frame);
  ethernet.destination = flow.destination_mac;
  ethernet.source = flow.source_mac;
  ethernet.type = be16(v4 ? net::ethertype_ipv4 : net::ethertype_ipv6);
  const size_t udp_length = sizeof(net::UdpHeader) + payload_bytes;
  uint8_t* udp_bytes = frame + sizeof(net::EthernetHeader);
  if (v4) {
    auto& ip = *reinterpret_cast<net::Ipv4Header*>(udp_bytes);
    ip = {};
    ip.version_ihl = net::ipv4_version_ihl;
    ip.total_length = be16(static_cast<uint16_t>(sizeof(net::Ipv4Header) + udp_length));
    ip.flags_offset = be16(net::ipv4_dont_fragment);
    ip.time_to_live = net::time_to_live_default;
    ip.protocol = net::protocol_udp;
    std::copy_n(flow.source.address.v4_bytes(), 4, ip.source.begin());
    std::copy_n(flow.destination.address.v4_bytes(), 4, ip.destination.begin());
    ip.checksum = net::checksum({udp_bytes, sizeof(net::Ipv4Header)});
    udp_bytes += sizeof(net::Ipv4Header);
  } else {
    auto& ip = *reinterpret_cast<net::Ipv6Header*>(udp_bytes);
    ip.version_class_flow = be32(6u << 28);
    ip.payload_length = be16(static_cast<uint16_t>(udp_length));
    ip.next_header = net::protocol_udp;
    ip.hop_limit = net::time_to_live_default;
    ip.source = flow.source.address.bytes;
    ip.destination = flow.destination.address.bytes;
    udp_bytes += sizeof(net::Ipv6Header);
  }
  auto& udp = *reinterpret_cast<net::UdpHeader*>(udp_bytes);
  udp.source_port = be16(flow.source.port);
  udp.destination_port = be16(flow.destination.port);
  udp.length = be16(static_cast<uint16_t>(udp_length));
  seal_udp(udp_bytes, flow.source.address, flow.destination.address, udp_length, kind);
  return static_cast<size_t>(udp_bytes - frame) + udp_length;
}

}  // namespace viaduct::blast
