// Where a decision's message leaves: route, neighbour, port, and so what stands on its envelope.
#pragma once

#include <optional>

#include "dataplane/rewrite.h"
#include "dataplane/view.h"
#include "dataplane/wanted.h"
#include "dataplane/ways.h"
#include "net/address.h"
#include "proxy/decision.h"
#include "telemetry/reason.h"

namespace viaduct::dataplane {

struct Egress {
  std::optional<telemetry::Reason> refused = telemetry::Reason::no_route;
  Envelope envelope;            // complete but for `identification`, if not refused
  bool lacks_neighbor = false;  // and but for the link address of `wanted`, which nobody knows yet
  WantedNeighbor wanted;
  uint16_t port_mtu = 0;              // the envelope's says only what one datagram can hold:
  uint16_t way_mtu = Route::any_mtu;  // what is larger than the port's or the route's leaves in fragments
};

// For a decision to forward or reply; written where it will be read, for it is large. `ways`: what the caller's worker
// has found before, and keeps what is found now; may be nullptr. Thread: any; no allocation.
void find_egress(const View& view, const proxy::Decision& decision, Ways* ways, Egress& egress);

}  // namespace viaduct::dataplane
