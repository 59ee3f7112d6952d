// The decision, from top to bottom. Each step is a file of its own name.
#include "proxy/decision.h"
#include "proxy/forward.h"
#include "proxy/local_reply.h"
#include "proxy/own.h"
#include "proxy/record_route.h"
#include "proxy/request.h"
#include "proxy/response.h"
#include "proxy/shedding.h"
#include "proxy/target.h"
#include "proxy/to_tag.h"
#include "proxy/validate.h"

namespace viaduct::proxy {
namespace {

using telemetry::Reason;

Decision end_here(const sip::Message& message, Action action, Reason reason) {
  Decision decision;
  decision.action = action;
  decision.reason = reason;
  decision.deviations = message.deviations;
  return decision;
}

// Nobody can be answered there, or somebody plays us or one of the backends (TRQ-14, SEC-04). `known`: View::known_at
// of the address.
bool is_source_invalid(const Arrival& arrival, const View& view, uint16_t known) {
  const net::IpAddress& address = arrival.source.address;
  if (arrival.source.port == 0 || is_no_hosts(address)) return true;
  if (known == 0) return false;
  if (known & address_of_socket) return true;
  if (listener_of(view, arrival.socket).side == Side::inside) return false;
  const uint16_t inward = view.sockets[arrival.socket].toward_backends[static_cast<size_t>(address.family())];
  return inward != none && listener_of(view, inward).side == Side::inside;
}

// Not forwarded: an ACK is never answered, a CANCEL not by somebody without memory (VAL-10, VAL-11, D-04).
Decision refuse(const Request& request, const Refusal& refusal, Edits& edits) {
  const sip::Message& message = request.message;
  Decision decision = end_here(message, Action::drop, refusal.reason);
  decision.pool = request.target.pool;
  decision.by_hash = request.target.by_hash;
  decision.hash = request.target.hash;
  decision.fault = refusal.fault;
  decision.unresolved_host = request.unresolved_host;
  decision.unresolved_port = request.unresolved_port;
  edits.clear();
  if (message.method == sip::Method::ack) {
    decision.reason = Reason::ack_refused;
  } else if (message.method == sip::Method::cancel) {
    decision.reason = Reason::cancel_refused;
  } else if (!is_answerable(request)) {
    decision.reason = Reason::unanswerable_request;
  } else if (!write_reply(request, refusal, edits) || edits.overflow()) {
    decision.reason = Reason::reply_too_large;
  } else {
    decision.action = Action::reply;
    decision.status = refusal.status;
    decision.destination = request.answer_to;
    decision.socket = request.arrival.socket;
  }
  return decision;
}

// OPTIONS for ourselves: what an INVITE would be told, so that a probe from outside sees what callers see (OPT-03).
Refusal answer_options(const Request& request) {
  if (has_unknown_extension(request, sip::Header::require)) {
    return refusal_for(Reason::extension_unknown, Extra::unsupported_require);
  }
  if (!has_usable_backend(request)) return refusal_for(Reason::no_backend, Extra::retry_after);
  return refusal_for(Reason::options_answered, Extra::capabilities);
}

Decision forward(const Request& request, Edits& edits) {
  const OwnBranch branch = edit_request(request, edits);
  const Target& target = request.target;
  Decision decision = end_here(request.message, Action::forward, {});
  if (edits.overflow()) {
    decision.action = Action::drop;
    decision.reason = Reason::no_headroom;
    return decision;
  }
  decision.destination = target.next_hop;
  decision.socket = target.socket;
  decision.pool = target.pool;
  decision.backend = target.backend;
  decision.by_hash = target.by_hash;
  decision.hash = target.hash;
  if (target.by_hash) decision.transaction = branch.hash;
  decision.mark = branch.mark;
  return decision;
}

[[gnu::cold]] Decision carry_out(const policy::Ruling& ruling, Request& request, Edits& edits) {
  if (ruling.action == policy::Ruling::Action::drop) return end_here(request.message, Action::drop, ruling.reason);
  request.target = {};  // it goes to nobody
  return refuse(request, {ruling.reason, ruling.status, ruling.phrase}, edits);
}

// Where a limit has spoken its answer is given, whatever else is wrong.
Decision refuse(Request& request, const Refusal& refusal, const policy::Ruling* limited, Edits& edits) {
  if (limited != nullptr) [[unlikely]]
    return carry_out(*limited, request, edits);
  return refuse(request, refusal, edits);
}

Decision decide_request(const sip::Message& message, const Arrival& arrival, uint16_t known, const View& view,
                        const Foresight& foresight, Edits& edits) {
  const uint16_t sender = sending_backend(view, arrival.source, known, listener_of(view, arrival.socket));
  Request request(message, arrival, view, foresight, sender);
  if (request.listener.side == Side::inside && sender == none) {
    return end_here(message, Action::drop, Reason::request_source_refused);  // SEC-22, D-05
  }
  if (is_ack_to_own_reply(message, view)) return end_here(message, Action::absorb, Reason::ack_to_own_reply);
  // A limit counts copies. To a copy of what was let through it says nothing, or its sender hears "no" of a call that
  // rings (RFC 3261 section 16.11); one that is lost does no harm. Whether it is one is known with its target.
  const policy::Ruling* limited = nullptr;
  if (arrival.ruling != nullptr && arrival.ruling->ends()) [[unlikely]] {
    limited = arrival.ruling;
    if (limited->limit == policy::none || limited->action == policy::Ruling::Action::drop) {
      return carry_out(*limited, request, edits);
    }
  }
  if (!is_valid_at_a_glance(request)) [[unlikely]] {
    if (auto refusal = validate(request)) return refuse(request, *refusal, limited, edits);
  }
  if (!needs_no_preprocessing(message)) {
    if (auto refusal = preprocess_route(request)) return refuse(request, *refusal, limited, edits);
  }
  if (message.method == sip::Method::options && !request.route.next && is_request_uri_ours(request)) {
    return refuse(request, answer_options(request), limited, edits);
  }
  if (auto refusal = check_path(request)) return refuse(request, *refusal, limited, edits);
  if (auto refusal = choose_target(request)) return refuse(request, *refusal, limited, edits);
  if (limited != nullptr) [[unlikely]] {
    if (is_under_way(request)) return end_here(message, Action::drop, Reason::limited);
    return carry_out(*limited, request, edits);
  }
  if (may_shed(request)) [[unlikely]] {
    if (auto refusal = shed(request)) return refuse(request, *refusal, edits);
  }
  return forward(request, edits);
}

}  // namespace

Decision decide(sip::Datagram kind, const sip::Message& message, const Arrival& arrival, const View& view,
                Edits& edits) {
  return decide(kind, message, arrival, view, edits, Foresight());
}

Decision decide(sip::Datagram kind, const sip::Message& message, const Arrival& arrival, const View& view, Edits& edits,
                const Foresight& foresight) {
  edits.clear();
  switch (kind) {
    case sip::Datagram::keepalive: return end_here(message, Action::absorb, Reason::keepalive);
    case sip::Datagram::stun: return end_here(message, Action::drop, Reason::stun);
    case sip::Datagram::sigcomp: return end_here(message, Action::drop, Reason::sigcomp);
    case sip::Datagram::not_sip: return end_here(message, Action::drop, Reason::not_sip);
    case sip::Datagram::sip: break;
  }
  const uint16_t known = known_source(arrival, view);
  if (is_source_invalid(arrival, view, known)) return end_here(message, Action::drop, Reason::source_invalid);
  if (!message.is_request()) return decide_response(message, arrival, view, foresight, edits);
  return decide_request(message, arrival, known, view, foresight, edits);
}

}  // namespace viaduct::proxy
