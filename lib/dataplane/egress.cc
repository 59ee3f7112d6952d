#include "dataplane/egress.h"

namespace viaduct::dataplane {

Egress find_egress(const View& view, const proxy::Decision& decision) {
  Egress egress;
  egress.refused = telemetry::Reason::no_route;
  if (decision.socket >= view.proxy->sockets.size()) return egress;
  const net::Endpoint& source = view.proxy->sockets[decision.socket].address;
  const Adjacency::Answer answer = view.adjacency->find(decision.destination.address);
  // A socket of one family has no way to an address of the other.
  if (!answer.found || source.address.family() != decision.destination.address.family()) return egress;
  if (!answer.hop.resolved) {
    egress.refused = telemetry::Reason::no_neighbor;
    egress.wanted = {answer.hop.port, answer.neighbor};
    return egress;
  }
  const PortView& port = view.ports[answer.hop.port];
  egress.refused.reset();
  egress.envelope = {.source_mac = port.mac,
                     .destination_mac = answer.hop.mac,
                     .source = source,
                     .destination = decision.destination,
                     .port = answer.hop.port,
                     .mtu = port.mtu,
                     .identification = 0,
                     .ipv4_checksum_offload = port.ipv4_checksum_offload,
                     .udp_checksum_offload = port.udp_checksum_offload};
  return egress;
}

}  // namespace viaduct::dataplane
