// Which new work is refused while there is too much of it (conformance rules LOC-15, LOC-16, OVL-05, OVL-07).
//
// Whoever remembers nothing cannot count to ten and refuse the tenth: the copy of a request that was refused must be
// refused too, and of one that was forwarded be forwarded (RFC 3261 section 16.11). So what is kept is a property of
// the transaction: a keyed hash of what its copies share is a number between 0 and 1, and what is below the share that
// must go is refused. A higher share refuses what a lower one did and some more, whoever asks for it: the operator, the
// worker that cannot keep up, the backend that would get the request. So several wishes are the largest of them.
//
// Where a share changes, those between the old and the new one change sides once; a worker that still remembers having
// forwarded the transaction (transactions.h) goes on with it. Requests within dialogs, ACK and CANCEL are never
// refused: refusing them makes more work than it saves.
#pragma once

#include <cstdint>
#include <optional>

#include "proxy/overload.h"
#include "proxy/refusal.h"
#include "proxy/request.h"

namespace viaduct::proxy {

// The state of things that a decision on new work takes into account; nothing of it is the decision's own.
struct Shedding {
  uint32_t percent = 0;                // of the worker
  const Feedback* feedback = nullptr;  // of backends; nullptr: nobody is listened to
  uint64_t now_ms = 0;                 // for `feedback`
};

// Where in [0, 1), as 65,536 parts, the transaction of `message` stands: equal for its copies, on every node.
uint32_t place_of_transaction(const sip::Message& message, const Keys& keys);

// Whether a request with such a place is among the `percent` that are refused.
inline bool is_shed(uint32_t place, uint32_t percent) { return place * 100 < percent * 65536; }

// Begins something: not in a dialog, and not about a request that was forwarded.
bool is_new_work(const sip::Message& message);

// For a request with its target: this worker has forwarded a copy of it lately, or the INVITE that it is about.
bool is_under_way(const Request& request);

// Whether there is anything to shed at all: two loads.
inline bool may_shed(const Request& request) {
  return request.arrival.shedding != nullptr || request.view.policy.shed_percent != 0;
}
// For a request with its target: why it is refused, if it is.
std::optional<Refusal> shed(const Request& request);

}  // namespace viaduct::proxy
