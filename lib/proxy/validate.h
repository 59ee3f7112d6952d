// The checks before anything else is done with a request (RFC 3261 section 16.3), in the order that decides which
// answer wins (VAL-01): size, syntax, Request-URI, Via maddr, Max-Forwards, Proxy-Require.
#pragma once

#include <optional>

#include "proxy/refusal.h"
#include "proxy/request.h"

namespace viaduct::proxy {

std::optional<Refusal> validate(const Request& request);
// It would find nothing; if not, it may all the same. Most requests have none of what it looks into.
inline bool is_valid_at_a_glance(const Request& request) {
  const sip::Message& message = request.message;
  const Policy& policy = request.view.policy;
  return message.fault == sip::Fault::none && message.bytes.size() <= policy.message_bytes_max &&
         message.request_uri.scheme == sip::Scheme::sip &&
         message.request_uri.text.size() <= policy.request_uri_bytes_max && message.via[0].maddr.empty() &&
         message.has_max_forwards && message.max_forwards != 0 && !message.has(sip::Header::proxy_require);
}

// A tag of Proxy-Require (or Require) that the cluster does not understand.
bool is_unknown_extension(const View& view, std::string_view tag);
bool has_unknown_extension(const Request& request, sip::Header header);

}  // namespace viaduct::proxy
