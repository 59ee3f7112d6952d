// The Via that a forwarded request gets from us.
#pragma once

#include <cstdint>

#include "proxy/phrase.h"
#include "proxy/request.h"

namespace viaduct::proxy {

// What is to be known of our branch.
struct OwnBranch {
  uint64_t hash = 0;  // Branch::hash
  uint64_t mark = 0;  // Branch::mark_of
};

// Above all others (FWD-05); sent-by is the socket it leaves from, where the response comes back (FWD-06). No rport:
// both ports are one (NAT-15). Writes the row, at most so many octets and some behind it, and returns where it ends.
inline constexpr size_t own_via_bytes_max = 3 * Phrase::bytes_max;
char* write_own_via(const Request& request, char* out, OwnBranch& own);

// Whether the next hop is asked how much it can take (OVL-02).
inline bool takes_feedback(const Request& request) {
  return request.view.has_extras && request.target.backend != none && request.view.pools[request.target.pool].feedback;
}

}  // namespace viaduct::proxy
