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
  std::optional<telemetry::Reason> refused;  // no_route
  Envelope envelope;                         // complete but for `identification`, if not refused
  bool lacks_neighbor = false;               // and but for the link address of `wanted`, which nobody knows yet
  WantedNeighbor wanted;
  uint16_t way_mtu = Route::any_mtu;  // of the route; the port's is the envelope's
};

// For a decision to forward or reply. `ways`: what the caller's worker has found before, and keeps what is found now.
// Thread: any; no allocation.
Egress find_egress(const View& view, const proxy::Decision& decision, Ways* ways = nullptr);

}  // namespace viaduct::dataplane
