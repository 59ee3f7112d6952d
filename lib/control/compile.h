// Configuration and the kernel's state, compiled into what workers read. Pure: the same inputs give the same View, on
// every node and after every restart. Thread: control.
#pragma once

#include <memory>
#include <vector>

#include "config/config.h"
#include "config/secret.h"
#include "dataplane/view.h"
#include "net/address.h"
#include "proxy/view.h"

namespace viaduct::control {

// What the proxy decision reads; finished (proxy::finish), so ready for `decide`.
// Tables that `known` has already are taken from there.
std::shared_ptr<const proxy::View> compile_proxy(const config::Config& config, const config::Secrets& secrets,
                                                 const proxy::View* known = nullptr);

// Routes and neighbours of the ports that have no kernel behind them, as configured: an on-link route for each of a
// port's prefixes, default routes by its gateways. `port` counts as in the configuration.
std::vector<dataplane::Route> configured_routes(const config::Config& config);
std::vector<dataplane::Adjacency::Neighbor> configured_neighbors(const config::Config& config);

}  // namespace viaduct::control
