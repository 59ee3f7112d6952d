// Backends with names become backends with addresses.
//
// An entry `core` with a host becomes `core/10.78.0.11`, `core/10.78.0.12`; one with SRV records
// `core/sip1.example.net`, and `core/sip2.example.net:5070` where the port is not 5060, after which the addresses
// follow where a target has several. So who a backend is depends neither on the order nor on the rest of an answer,
// and a target whose address moves keeps its calls. The records' priorities become the backends' (0, 1, 2 above the
// entry's own), their weights the weights. Pure: every node that got the same answers has the same set. Thread: any.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "config/config.h"
#include "control/targets.h"

namespace viaduct::control {

std::set<BackendName> names_in(const config::Config& config);

struct Expanded {
  config::Config config;           // no backend with a host any more
  std::vector<std::string> notes;  // what of the answers is left out, a sentence each
};

// Of a name, however many targets it has: an answer is a stranger's, and must not take everybody's room.
inline constexpr size_t addresses_of_name_max = 64;

// A pool of which no name has been answered yet keeps the backends that it has in `present`, if there is one. Never
// more than telemetry::backend_count_max over all pools, as long as `written` itself has no more.
Expanded expand(const config::Config& written, const Answers& answers, const config::Config* present);

}  // namespace viaduct::control
