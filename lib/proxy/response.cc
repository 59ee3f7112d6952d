#include "proxy/response.h"

#include "proxy/branch.h"
#include "proxy/foresight.h"
#include "proxy/forward.h"
#include "proxy/overload.h"
#include "proxy/own.h"
#include "proxy/strip.h"
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

// A 503 makes the client avoid this whole address for a while, though only one backend is in trouble (D-09).
void edit_status(const sip::Message& message, const View& view, Edits& edits) {
  if (!view.policy.rewrite_503 || message.status != 503) return;
  const auto begin = static_cast<uint16_t>(message.version.end + 1);
  edits.begin_text();
  edits.put("500");
  edits.replace(begin, static_cast<uint16_t>(begin + 3));
}

// Strangers bring no words of trust (SEC-29), backends none about overload but to us (OVL-04).
void edit_extras(const sip::Message& message, const Arrival& arrival, const View& view, const Decision& decision,
                 Edits& edits) {
  if (decision.backend == none) {
    strip_headers(message, listener_of(view, arrival.socket).strip, edits);
  } else if (view.pools[decision.pool].feedback) {
    strip_overload(message.bytes, message.via[1], edits);
  }
}

// Fills in the decision; nothing if the response goes on.
std::optional<Reason> judge(const sip::Message& message, const Arrival& arrival, const View& view,
                            const Foresight& foresight, Decision& decision) {
  decision.deviations = message.deviations;
  decision.backend = sender_of(arrival, view);
  if (decision.backend != none) decision.pool = view.backends[decision.backend].pool;

  const bool on_inside = listener_of(view, arrival.socket).side == Side::inside;
  if (on_inside && decision.backend == none) return Reason::response_source_refused;
  if (message.fault != sip::Fault::none) return Reason::malformed_response;

  const sip::Via& own = message.via[0];
  const bool ours =
      is_text_of(view.sockets[arrival.socket], message.text(own.sent_by)) || is_ours(view, message.bytes, own.host);
  if (!ours) return Reason::via_not_ours;
  if (message.via_count < 2) {
    decision.action = Action::absorb;
    return Reason::via_missing_next;
  }
  Foresight::Answer now;
  const Foresight::Answer* read = foresight.answer();
  if (read == nullptr) {
    read_answer(message, now);
    read = &now;
  }
  if (!read->has_destination || is_no_hosts(read->destination.address) || read->destination.port == 0 ||
      find_socket(view, read->destination) != none) {
    return Reason::via_next_invalid;
  }
  decision.destination = read->destination;
  decision.socket = read->claim.socket;
  decision.sent = read->claim.sent;
  const uint64_t* const foreseen = foresight.via(read->claim.socket, read->destination);
  if (!verify_via_mac(read->claim, view, message.text(own.branch), read->destination, foreseen)) {
    return Reason::via_mac_bad;
  }
  return std::nullopt;
}

}  // namespace

Decision decide_response(const sip::Message& message, const Arrival& arrival, const View& view,
                         const Foresight& foresight, Edits& edits) {
  Decision decision;
  if (const auto reason = judge(message, arrival, view, foresight, decision)) {
    decision.reason = *reason;
    decision.destination = {};
    decision.socket = none;
    decision.sent = 0;
    return decision;
  }
  edit_start(message, edits);
  edit_status(message, view, edits);
  edits.remove(message.via[0].removal);
  decision.mark = Branch::mark_of(message.text(message.via[0].branch));
  if (view.has_extras) [[unlikely]]
    edit_extras(message, arrival, view, decision, edits);
  decision.action = Action::forward;
  return decision;
}

}  // namespace viaduct::proxy
