// Whether two parses of the same bytes say the same. By the book: every row read by the readers of all forms, after the
// scan of all cases, octet by octet. Everything quicker must agree with that to the last offset.
#pragma once

#include <algorithm>
#include <string>

#include "sip/message.h"
#include "sip/scan.h"

namespace viaduct::sip {

inline constexpr ScanKernel by_the_book{"by the book", scan_scalar, [](std::string_view, Scan&) { return false; }};

// What is empty may lie anywhere.
inline bool alike(Slice a, Slice b) { return a == b || (a.empty() && b.empty()); }

inline bool alike(const Host& a, const Host& b) {
  return alike(a.text, b.text) && a.kind == b.kind && a.port == b.port;
}

inline bool alike(const Uri& a, const Uri& b) {
  return alike(a.text, b.text) && a.scheme == b.scheme && alike(a.user, b.user) && alike(a.host, b.host) &&
         alike(a.params, b.params) && alike(a.headers, b.headers) && a.has_lr == b.has_lr && alike(a.maddr, b.maddr) &&
         alike(a.transport, b.transport) && alike(a.vd, b.vd);
}

inline bool alike(const Via& a, const Via& b) {
  return alike(a.value, b.value) && alike(a.transport, b.transport) && alike(a.sent_by, b.sent_by) &&
         alike(a.host, b.host) && alike(a.branch, b.branch) && alike(a.maddr, b.maddr) &&
         alike(a.received, b.received) && alike(a.received_param, b.received_param) &&
         alike(a.rport_param, b.rport_param) && a.rport == b.rport && alike(a.vd, b.vd) && a.has_rport == b.has_rport &&
         a.has_received == b.has_received && a.well_formed == b.well_formed && a.has_cookie == b.has_cookie &&
         alike(a.removal, b.removal);
}

inline bool alike(const Row& a, const Row& b) {
  return a.begin == b.begin && alike(a.value, b.value) && a.next == b.next && a.header == b.header;
}

// The name of the first thing in which they differ; empty: none.
inline std::string difference(const Message& a, const Message& b) {
  if (a.fault != b.fault) return "fault";
  if (a.deviations.bits() != b.deviations.bits()) return "deviations";
  if (a.kind != b.kind || a.method != b.method || a.status != b.status) return "kind, method or status";
  if (!alike(a.start_line, b.start_line) || a.first_row != b.first_row) return "start line";
  if (!alike(a.method_text, b.method_text) || !alike(a.version, b.version)) return "method text or version";
  if (a.is_request() && !alike(a.request_uri, b.request_uri)) return "Request-URI";
  if (a.headers_end != b.headers_end || a.body != b.body || a.end != b.end) return "body";
  if (a.row_count != b.row_count || a.first_row_of != b.first_row_of) return "number of rows";
  for (size_t i = 0; i < a.row_count; ++i) {
    if (!alike(a.rows[i], b.rows[i])) return "row " + std::to_string(i);
  }
  if (a.is_request() && a.routes_apart != b.routes_apart) return "routes apart";
  if (a.via_count != b.via_count) return "number of Vias";
  for (size_t i = 0; i < std::min<size_t>(a.via_count, a.via.size()); ++i) {
    if (!alike(a.via[i], b.via[i])) return "Via " + std::to_string(i);
  }
  if (!alike(a.call_id, b.call_id)) return "Call-ID";
  if (a.cseq_number != b.cseq_number || !alike(a.cseq_method, b.cseq_method)) return "CSeq";
  if (a.has_from_tag != b.has_from_tag || !alike(a.from_tag, b.from_tag)) return "From tag";
  if (a.has_to_tag != b.has_to_tag || !alike(a.to_tag, b.to_tag)) return "To tag";
  if (a.has_max_forwards != b.has_max_forwards || a.max_forwards != b.max_forwards) return "Max-Forwards";
  if (a.has_max_breadth != b.has_max_breadth || a.max_breadth != b.max_breadth) return "Max-Breadth";
  if (a.has_content_length != b.has_content_length || a.content_length != b.content_length) return "Content-Length";
  return "";
}

}  // namespace viaduct::sip
