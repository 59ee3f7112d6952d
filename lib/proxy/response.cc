#include "proxy/response.h"

#include "proxy/foresight.h"
#include "proxy/forward.h"
#include "proxy/own.h"
#include "proxy/stamp.h"
#include "proxy/via_mac.h"

namespace viaduct::proxy {
namespace {

using telemetry::Reason;

// The backend that sent it: from its address at best, from any port of its host else (RSP-10).
uint16_t sender_of(const Arrival& arrival, const View& view) {
  const uint16_t exact = find_backend(view, arrival.source);
  if (exact != none) return exact;
  return view.backend_at.value_or(arrival.source.address, none);
}

Decision drop(Decision decision, Reason reason) {
  decision.action = Action::drop;
  decision.reason = reason;
  return decision;
}

// A 503 makes the client avoid this whole address for a while, though only one backend is in trouble (D-09).
void edit_status(const sip::Message& message, const View& view, Edits& edits) {
  if (!view.policy.rewrite_503 || message.status != 503) return;
  const auto begin = static_cast<uint16_t>(message.version.end + 1);
  edits.begin_text();
  edits.put("500");
  edits.replace(begin, static_cast<uint16_t>(begin + 3));
}

}  // namespace

Decision decide_response(const sip::Message& message, const Arrival& arrival, const View& view,
                         const Foresight& foresight, Edits& edits) {
  Decision decision;
  decision.deviations = message.deviations;
  decision.backend = sender_of(arrival, view);
  if (decision.backend != none) decision.pool = view.backends[decision.backend].pool;

  const bool on_inside = view.listeners[view.sockets[arrival.socket].listener].side == Side::inside;
  if (on_inside && decision.backend == none) return drop(decision, Reason::response_source_refused);
  if (message.fault != sip::Fault::none) return drop(decision, Reason::malformed_response);

  const sip::Via& own = message.via[0];
  const bool ours = is_text_of(view.sockets[arrival.socket], message.text(own.sent_by)) ||
                    is_ours(view, message.bytes, own.host);
  if (!ours) return drop(decision, Reason::via_not_ours);
  if (message.via_count < 2) {
    decision.action = Action::absorb;
    decision.reason = Reason::via_missing_next;
    return decision;
  }
  const Foresight::Answer* const read = foresight.answer();
  const auto destination = read ? read->destination : response_destination(message.bytes, message.via[1]);
  if (!destination || is_unsendable(*destination) || find_socket(view, *destination) != none) {
    return drop(decision, Reason::via_next_invalid);
  }
  const ViaMac claim = read ? read->claim : read_via_mac(message.text(own.vd));
  const auto foreseen = foresight.via(claim.socket, *destination);
  if (!verify_via_mac(claim, view, message.text(own.branch), *destination, foreseen)) {
    return drop(decision, Reason::via_mac_bad);
  }

  edit_start(message, edits);
  edit_status(message, view, edits);
  edits.remove(own.removal);
  decision.action = Action::forward;
  decision.destination = *destination;
  decision.socket = claim.socket;
  return decision;
}

}  // namespace viaduct::proxy
