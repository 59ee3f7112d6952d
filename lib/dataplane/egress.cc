#include "dataplane/egress.h"

namespace viaduct::dataplane {
namespace {

// Asks the routes and the neighbours. Not resolved: there is no way, or `egress` says who stands in it.
[[gnu::noinline]] NextHop look_up(const View& view, const net::IpAddress& destination, Ways* ways, Egress& egress) {
  const Adjacency::Answer answer = view.adjacency->find(destination);
  if (!answer.found) return {};
  if (!answer.hop.resolved) {
    egress.lacks_neighbor = true;
    egress.wanted = {answer.hop.port, answer.neighbor};
  } else if (ways != nullptr) {
    ways->keep(destination, answer.hop);
  }
  return answer.hop;
}

}  // namespace

void find_egress(const View& view, const proxy::Decision& decision, Ways* ways, Egress& egress) {
  egress.refused = telemetry::Reason::no_route;
  egress.lacks_neighbor = false;
  if (decision.socket >= view.proxy->sockets.size()) return;
  const net::Endpoint& source = view.proxy->sockets[decision.socket].address;
  const net::IpAddress& destination = decision.destination.address;
  // A socket of one family has no way to an address of the other.
  if (source.address.is_v4() != destination.is_v4()) return;
  const NextHop* const known = ways == nullptr ? nullptr : ways->find(destination);
  const NextHop hop = known != nullptr ? *known : look_up(view, destination, ways, egress);
  if (!hop.resolved && !egress.lacks_neighbor) return;
  const PortView& port = view.ports[hop.port];
  egress.refused.reset();
  Envelope& envelope = egress.envelope;
  envelope.source_mac = port.mac;
  envelope.destination_mac = hop.mac;
  envelope.source = source;
  envelope.destination = decision.destination;
  envelope.port = hop.port;
  envelope.mtu = UINT16_MAX;
  egress.port_mtu = port.mtu;
  egress.way_mtu = hop.mtu;
  envelope.ipv4_checksum_offload = port.ipv4_checksum_offload;
  envelope.udp_checksum_offload = port.udp_checksum_offload;
}

}  // namespace viaduct::dataplane
