// A pool's backends from a Kamailio `dispatcher.list`, so that a cluster can move without being written down twice.
//
//   # setid  destination          flags  priority  attributes
//   1        sip:10.78.0.11:5060  0      10        weight=50;duid=sip1
//
// `[[pool]] dispatcher = FILE`, `set = N` take the lines of one set. Flags become states, a higher priority serves
// before a lower one, `weight` and `duid` are weight and name; what has no meaning here is told once, with its place.
#pragma once

#include "config/draft.h"
#include "config/section.h"

namespace viaduct::config {

// Call it when [pool.health] has been read: who probes needs no flags.
void read_dispatcher(Section& section, Pool& pool, PoolPlaces& places, Draft& draft, Problems& problems);

}  // namespace viaduct::config
