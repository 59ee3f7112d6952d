#include "proxy/refusal.h"

namespace viaduct::proxy {

using telemetry::Reason;

// Phrases name the cause (RFC 3261 section 21.4.1): the on-call engineer reads them in a capture.
Refusal refusal_for(Reason reason, Extra extra) {
  switch (reason) {
    case Reason::options_answered: return {reason, 200, "OK", extra};
    case Reason::relay_refused: return {reason, 403, "Relaying Denied", extra};
    case Reason::domain_not_served: return {reason, 403, "Domain Not Served", extra};
    case Reason::token_invalid: return {reason, 403, "Route Not Verified", extra};
    case Reason::strict_route_refused: return {reason, 403, "Strict Route Refused", extra};
    case Reason::via_maddr_refused: return {reason, 403, "Via maddr Refused", extra};
    case Reason::next_hop_refused: return {reason, 403, "Next Hop Refused", extra};
    case Reason::uri_too_long: return {reason, 414, "Request-URI Too Long", extra};
    case Reason::scheme_unsupported: return {reason, 416, "Unsupported URI Scheme", extra};
    case Reason::extension_unknown: return {reason, 420, "Bad Extension", extra};
    case Reason::path_required: return {reason, 421, "Extension Required", extra};
    case Reason::loop: return {reason, 482, "Loop Detected", extra};
    case Reason::too_many_hops: return {reason, 483, "Too Many Hops", extra};
    case Reason::next_hop_unresolved: return {reason, 500, "Next Hop Unresolved", extra};
    case Reason::transport_unsupported: return {reason, 500, "Transport Unsupported", extra};
    case Reason::no_backend:
    case Reason::backend_down:
    case Reason::shed:
    case Reason::shed_for_backend: return {reason, 503, "Service Unavailable", extra};
    case Reason::message_too_large: return {reason, 513, "Message Too Large", extra};
    default: return {reason, 400, "Bad Request", extra};
  }
}

Refusal refusal_for(sip::Fault fault, bool method_is_known) {
  const sip::FaultText& text = sip::text_of(fault);
  if (fault == sip::Fault::version_unsupported) return {Reason::version_unsupported, text.status, text.reason_phrase};
  if (fault == sip::Fault::message_too_large) return refusal_for(Reason::message_too_large);
  // RFC 4475 section 3.1.2.18: what is wrong may as well be that we do not know the method.
  if (fault == sip::Fault::cseq_method_mismatch && !method_is_known) {
    return {Reason::method_mismatch, 501, "Not Implemented"};
  }
  return {Reason::malformed_request, text.status, text.reason_phrase, Extra::nothing, fault};
}

}  // namespace viaduct::proxy
