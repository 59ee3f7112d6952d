#include "proxy/local_reply.h"

#include <algorithm>

#include "proxy/to_tag.h"
#include "proxy/validate.h"
#include "sip/charset.h"

namespace viaduct::proxy {
namespace {

constexpr size_t growth_max = 160;

// Text of the request, each fold or stray line end as one space: a header of the request never becomes another header
// of the answer.
void put_line(Edits& edits, std::string_view text) {
  while (!text.empty()) {
    const auto line_break = std::find_if(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n'; });
    const auto at = static_cast<size_t>(line_break - text.begin());
    edits.put(text.substr(0, at));
    if (at == text.size()) return;
    text.remove_prefix(at);
    text.remove_prefix(std::min(text.find_first_not_of("\r\n \t"), text.size()));
    edits.put(' ');
  }
}

// In the spelling of the request, so that the answer to compact names is not larger than they are.
void put_name(Edits& edits, std::string_view name, char compact, const sip::Row& row, std::string_view bytes) {
  const bool is_compact = (bytes[row.begin] | 0x20) == compact && (bytes[row.begin + 1u] | 0x20) != name[1];
  edits.put(is_compact ? std::string_view(&compact, 1) : name);
  edits.put(": ");
}

// All of them, the topmost with our stamp (LOC-01).
void put_vias(Edits& edits, const Request& request) {
  const sip::Message& message = request.message;
  const net::Endpoint& source = request.arrival.source;
  bool is_top = true;
  for (uint16_t i = 0; i < message.row_count; ++i) {
    const sip::Row& row = message.rows[i];
    if (row.header != sip::Header::via) continue;
    put_name(edits, "Via", 'v', row, message.bytes);
    uint16_t at = row.value.begin;
    const auto put_stamp = [&](sip::Slice place, Stamp stamp) {
      put_line(edits, request.text({at, place.begin}));
      char text[stamp_bytes_max];
      edits.put({text, static_cast<size_t>(write_stamp(stamp, source, text) - text)});
      at = place.end;
    };
    if (is_top) stamp_top_via(message, source, request.listener.force_rport, put_stamp);
    put_line(edits, request.text({at, row.value.end}));
    edits.put("\r\n");
    is_top = false;
  }
}

void put_copy(Edits& edits, const Request& request, sip::Header header, std::string_view name, char compact) {
  const sip::Row* row = request.message.row_of(header);
  if (row == nullptr) return;
  put_name(edits, name, compact, *row, request.message.bytes);
  put_line(edits, request.text(row->value));
  edits.put("\r\n");
}

// A tag parameter of any form, even one that is no tag: the row must not get a second one. Where no address can be made
// out, what follows the last bracket counts.
bool has_tag_parameter(const sip::Message& message, const sip::Row& row) {
  if (message.has_to_tag) return true;
  std::string_view text = message.text(row.value);
  sip::Slice uri, params;
  if (sip::parse_name_addr(message.bytes, row.value, uri, params)) {
    text = message.text(params);
  } else {
    text.remove_prefix(text.rfind('>') + 1);
  }
  constexpr std::string_view white = " \t\r\n";
  while (true) {
    const size_t semicolon = text.find(';');
    if (semicolon == std::string_view::npos) return false;
    text.remove_prefix(semicolon + 1);
    text.remove_prefix(std::min(text.find_first_not_of(white), text.size()));
    const std::string_view name = text.substr(0, text.find_first_of("=; \t\r\n"));
    if (sip::equals_ignoring_case(name, "tag")) return true;
  }
}

// With our tag, if the request had none (LOC-02).
void put_to(Edits& edits, const Request& request) {
  const sip::Message& message = request.message;
  const sip::Row* row = message.row_of(sip::Header::to);
  if (row == nullptr) return;
  put_name(edits, "To", 't', *row, message.bytes);
  put_line(edits, request.text(row->value));
  if (!has_tag_parameter(message, *row)) {
    edits.put(";tag=");
    edits.put(ToTag(message, request.view.keys).text());
  }
  edits.put("\r\n");
}

// Exactly the tags that nobody here knows (VAL-04).
void put_unsupported(Edits& edits, const Request& request, sip::Header header) {
  std::string_view before = "Unsupported: ";
  for (sip::ValueWalk walk(request.message, header); walk.next();) {
    const std::string_view tag = request.text(walk.value());
    if (!is_unknown_extension(request.view, tag)) continue;
    edits.put(before);
    put_line(edits, tag);
    before = ", ";
  }
  edits.put("\r\n");
}

void put_extra(Edits& edits, const Request& request, Extra extra) {
  switch (extra) {
    case Extra::nothing: return;
    case Extra::retry_after:
      edits.put("Retry-After: ");
      edits.put_number(request.view.policy.retry_after_s);
      return edits.put("\r\n");
    case Extra::unsupported_proxy_require: return put_unsupported(edits, request, sip::Header::proxy_require);
    case Extra::unsupported_require: return put_unsupported(edits, request, sip::Header::require);
    case Extra::require_path: return edits.put("Require: path\r\n");
    // OPT-02; no Allow, since a proxy passes every method on.
    case Extra::capabilities:
      return edits.put("Accept: */*\r\nAccept-Encoding: identity\r\nAccept-Language: en\r\nSupported:\r\n");
  }
}

void put_status_line(Edits& edits, const Refusal& refusal) {
  edits.put("SIP/2.0 ");
  edits.put_number(refusal.status);
  edits.put(' ');
  edits.put(refusal.phrase);
  edits.put("\r\n");
}

void put_reply(const Request& request, const Refusal& refusal, Extra extra, bool with_server, Edits& edits) {
  edits.clear();
  edits.begin_text();
  put_status_line(edits, refusal);
  put_vias(edits, request);
  put_copy(edits, request, sip::Header::from, "From", 'f');
  put_to(edits, request);
  put_copy(edits, request, sip::Header::call_id, "Call-ID", 'i');
  put_copy(edits, request, sip::Header::cseq, "CSeq", '\0');  // has no compact form
  put_extra(edits, request, extra);
  if (with_server && !request.view.policy.server.empty()) {
    edits.put("Server: ");
    edits.put(request.view.policy.server);
    edits.put("\r\n");
  }
  edits.put("Content-Length: 0\r\n\r\n");
}

}  // namespace

bool is_answerable(const Request& request) {
  const sip::Message& message = request.message;
  if (message.via_count == 0 || message.via[0].host.kind == sip::HostKind::none) return false;
  const bool is_complete = message.has(sip::Header::to) && message.has(sip::Header::from) &&
                           message.has(sip::Header::call_id) && message.has(sip::Header::cseq);
  return is_complete || request.view.policy.answer_incomplete;
}

// What only adorns the answer is left out where it would make it too large.
bool write_reply(const Request& request, const Refusal& refusal, Edits& edits) {
  const Extra least = refusal.extra == Extra::capabilities ? Extra::nothing : refusal.extra;
  const auto fits = [&](Extra extra, bool with_server) {
    put_reply(request, refusal, extra, with_server, edits);
    return edits.text().size() <= request.message.bytes.size() + growth_max;
  };
  return fits(refusal.extra, true) || fits(refusal.extra, false) || fits(least, false);
}

}  // namespace viaduct::proxy
