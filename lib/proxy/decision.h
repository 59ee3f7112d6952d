// RFC 3261 section 16 as one pure function.
//
// (message, where it came from, view) -> what becomes of it, with the edits that make it so. No clock (what it writes
// of the time is given to it), no counter, no packet: workers, tests, fuzzers and `explain` call the same function and
// get the same answer (rule FWD-08). Only for some minutes after a change of the backends does it also ask what is
// under way (transactions.h).
#pragma once

#include <cstdint>
#include <string_view>

#include "net/address.h"
#include "policy/ruling.h"
#include "proxy/edits.h"
#include "proxy/send_time.h"
#include "proxy/transactions.h"
#include "proxy/view.h"
#include "sip/message.h"
#include "telemetry/answered.h"
#include "telemetry/reason.h"

namespace viaduct::proxy {

struct Shedding;

struct Arrival {
  net::Endpoint source;
  uint16_t socket = 0;  // index into View::sockets: where it was sent to
  // What the worker has sent lately; asked only while a pool has previous tables. nullptr: nothing is known.
  const Transactions* transactions = nullptr;
  // What the operator's rules say about this request; nullptr: nothing.
  const policy::Ruling* ruling = nullptr;
  // How much new work is too much now; nullptr: none is.
  const Shedding* shedding = nullptr;
  // What time it is, to be written into the request as it leaves; 0: nothing is. Copies, CANCEL and ACK carry the time
  // of what they belong to, if `times` knows it; nullptr: nothing is known. `node` is that of `now`.
  SendTime::Text now = 0;
  uint64_t node = 0;
  const telemetry::Answered* times = nullptr;
  // View::known_at of the source's address, where somebody has looked already.
  static constexpr uint16_t not_looked_up = 0xffff;
  uint16_t known = not_looked_up;
};

inline uint16_t known_source(const Arrival& arrival, const View& view) {
  if (arrival.known != Arrival::not_looked_up) return arrival.known;
  return view.known_at.value_or(arrival.source.address, 0);
}

enum class Action : uint8_t { forward, reply, absorb, drop };

struct Decision {
  Action action = Action::drop;
  telemetry::Reason reason{};  // why not forwarded; meaningless for `forward`
  uint16_t status = 0;         // of a reply

  // For forward and reply: where it goes and from which of our sockets.
  net::Endpoint destination;
  uint16_t socket = none;

  // What was chosen, for counters and `explain`; `none` where nothing was.
  uint16_t pool = none;
  uint16_t backend = none;  // the backend that gets the request, or that sent the response
  uint64_t hash = 0;        // selection hash; 0 if the choice was not by hash
  bool by_hash = false;
  sip::Fault fault = sip::Fault::none;  // for which a request is refused: the parser's, or one in what it does not read
  uint64_t transaction = 0;             // of a forwarded request that was chosen by hash: for Transactions::remember
  // Of what is forwarded: some octets of our branch, the same for a request and its responses; of a response also when
  // its request left, as it says.
  uint64_t mark = 0;
  SendTime::Text sent = 0;
  sip::Slice unresolved_host;    // for next_hop_unresolved: the name the control plane should look up
  uint16_t unresolved_port = 0;  // and its port; 0: none named
  sip::Deviations deviations;    // the parser's and the decision's own
};

// Decides on one datagram that `sip::parse` has read into `message`, returning `kind`. For `forward`, `edits` holds the
// changes; for `reply`, `edits.text()` is the whole answer. `edits` is cleared first. Thread: any; allocates nothing.
Decision decide(sip::Datagram kind, const sip::Message& message, const Arrival& arrival, const View& view,
                Edits& edits);
// The same, with hashes of this message, arrival and view that are known already (foresight.h).
class Foresight;
Decision decide(sip::Datagram kind, const sip::Message& message, const Arrival& arrival, const View& view, Edits& edits,
                const Foresight& foresight);

// The hash by which workers share the load: equal for every message of a call, keyed. Thread: any.
uint64_t affinity_hash(std::string_view call_id, const View& view);

}  // namespace viaduct::proxy
