#include "proxy/validate.h"

#include <algorithm>

#include "proxy/own.h"
#include "sip/charset.h"

namespace viaduct::proxy {
namespace {

using telemetry::Reason;

std::optional<Refusal> check_syntax(const Request& request) {
  const sip::Message& message = request.message;
  if (message.bytes.size() > request.view.policy.message_bytes_max) return refusal_for(Reason::message_too_large);
  if (message.fault == sip::Fault::none) return std::nullopt;
  return refusal_for(message.fault, message.method != sip::Method::other);
}

// `tel:` is for the backends to understand; `sips:` demands TLS on every hop (VAL-02).
std::optional<Refusal> check_request_uri(const Request& request) {
  const sip::Uri& uri = request.message.request_uri;
  if (uri.text.size() > request.view.policy.request_uri_bytes_max) return refusal_for(Reason::uri_too_long);
  if (uri.scheme != sip::Scheme::sip && uri.scheme != sip::Scheme::tel) return refusal_for(Reason::scheme_unsupported);
  return std::nullopt;
}

// Who asks for the answer to go to somebody else is refused, and told so where he is (TRQ-11, D-08).
std::optional<Refusal> check_via_maddr(const Request& request) {
  const sip::Slice maddr = request.message.via[0].maddr;
  if (maddr.empty()) return std::nullopt;
  const auto address = net::parse_ip(request.text(without_brackets(request.message.bytes, maddr)));
  if (address && *address == request.arrival.source.address) return std::nullopt;
  return refusal_for(Reason::via_maddr_refused);
}

std::optional<Refusal> check_max_forwards(const Request& request) {
  const sip::Message& message = request.message;
  if (!message.has_max_forwards || message.max_forwards != 0) return std::nullopt;
  const bool ends_here = message.method == sip::Method::options && !message.has(sip::Header::route) &&
                         is_request_uri_ours(request);  // OPT-05
  if (ends_here) return std::nullopt;
  return refusal_for(Reason::too_many_hops);
}

// Ignored in CANCEL and ACK (RFC 3261 section 8.2.2.3).
std::optional<Refusal> check_extensions(const Request& request) {
  const sip::Message& message = request.message;
  if (message.method == sip::Method::cancel || message.method == sip::Method::ack) return std::nullopt;
  if (!has_unknown_extension(request, sip::Header::proxy_require)) return std::nullopt;
  return refusal_for(Reason::extension_unknown, Extra::unsupported_proxy_require);
}

}  // namespace

bool is_unknown_extension(const View& view, std::string_view tag) {
  return std::none_of(view.policy.extensions.begin(), view.policy.extensions.end(), [&](const std::string& known) {
    return known.size() == tag.size() && std::equal(tag.begin(), tag.end(), known.begin(), [](char a, char b) {
             return sip::to_lower(a) == sip::to_lower(b);
           });
  });
}

bool has_unknown_extension(const Request& request, sip::Header header) {
  if (!request.message.has(header)) return false;
  for (sip::ValueWalk walk(request.message, header); walk.next();) {
    if (is_unknown_extension(request.view, request.text(walk.value()))) return true;
  }
  return false;
}

std::optional<Refusal> validate(const Request& request) {
  if (auto refusal = check_syntax(request)) return refusal;
  if (auto refusal = check_request_uri(request)) return refusal;
  if (auto refusal = check_via_maddr(request)) return refusal;
  if (auto refusal = check_max_forwards(request)) return refusal;
  return check_extensions(request);
}

}  // namespace viaduct::proxy
