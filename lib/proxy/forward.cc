#include "proxy/forward.h"

#include <cstring>

#include "proxy/overload.h"
#include "proxy/own_via.h"
#include "proxy/record_route.h"
#include "proxy/strip.h"

namespace viaduct::proxy {
namespace {

void edit_stamp(const Request& request, Edits& edits) {
  const Stamp stamp = stamp_top_via(request.message, request.arrival.source, request.listener.force_rport);
  for (size_t i = 0; i < stamp.count; ++i) {
    char* const out = edits.room(Stamp::patch_bytes_max);
    if (out == nullptr) return;
    edits.begin_text();
    edits.put_up_to(Stamp::write(stamp.patches[i], request.arrival.source, out));
    edits.replace(stamp.patches[i].at);
  }
}

// Exactly one Max-Breadth in every proxied request, never more than our maximum, never less than came in (RFC 5393
// section 5.3.3). To a CANCEL it means nothing (section 5.4.1).
bool wants_max_breadth(const Request& request) {
  const sip::Message& message = request.message;
  const uint32_t maximum = request.view.policy.max_breadth;
  if (maximum == 0 || message.method == sip::Method::cancel) return false;
  return !message.has(sip::Header::max_breadth) || message.max_breadth > maximum;
}

// Max-Forwards is one less, or the default where there is none that can be read (FWD-03, PAR-23). A new Max-Breadth row
// comes behind it: with nothing but a line end between, that is one edit, and the line end becomes the new row's.
void edit_limits(const Request& request, Edits& edits) {
  const sip::Message& message = request.message;
  const sip::Row* const row = message.row_of(sip::Header::max_forwards);
  const sip::Row* const breadth = message.row_of(sip::Header::max_breadth);
  const bool limited = wants_max_breadth(request), new_breadth = limited && breadth == nullptr;
  edits.begin_text();
  if (row == nullptr) edits.put("Max-Forwards: ");
  edits.put_number(message.has_max_forwards ? message.max_forwards - 1u : request.view.policy.max_forwards_default);
  if (row == nullptr) {
    if (new_breadth) edits.put(request.view.max_breadth);
    edits.put("\r\n");
    edits.insert(after_vias(message));
  } else if (new_breadth && message.text({row->value.end, row->next}) == "\r\n") {
    edits.put(request.view.max_breadth);
    edits.replace(row->value);
  } else {
    edits.replace(row->value);
    if (new_breadth) {
      edits.begin_text();
      edits.put("Max-Breadth: ");
      edits.put_number(request.view.policy.max_breadth);
      edits.put("\r\n");
      edits.insert(row->next);
    }
  }
  if (!limited || breadth == nullptr) return;
  edits.begin_text();
  edits.put_number(request.view.policy.max_breadth);
  edits.replace(breadth->value);
}

constexpr std::string_view sip_version = "SIP/2.0";

void edit_extras(const Request& request, Edits& edits) {
  if (!request.from_inside) strip_headers(request.message, request.listener.strip, edits);
  if (takes_feedback(request)) strip_overload(request.message.bytes, request.message.via[0], edits);
}

// By two overlapping words: a comparison of strings is a call.
bool is_upper_version(std::string_view text) {
  if (text.size() != sip_version.size()) return false;
  constexpr size_t last = 3;
  return std::memcmp(text.data(), sip_version.data(), 4) == 0 &&
         std::memcmp(text.data() + last, &sip_version[last], 4) == 0;
}

}  // namespace

uint16_t after_vias(const sip::Message& message) {
  if (message.via_count == 1) return message.row_of(sip::Header::via)->next;
  uint16_t after = message.first_row;
  for (uint16_t i = 0; i < message.row_count; ++i) {
    if (message.rows[i].header == sip::Header::via) after = message.rows[i].next;
  }
  return after;
}

void edit_start(const sip::Message& message, Edits& edits) {
  if (message.start_line.begin != 0) edits.remove({0, message.start_line.begin});
  if (is_upper_version(message.text(message.version))) return;
  edits.begin_text();
  edits.put(sip_version);
  edits.replace(message.version);
}

OwnBranch edit_request(const Request& request, Edits& edits) {
  edit_start(request.message, edits);
  const OwnBranch branch = edit_own_via(request, edits);
  edit_stamp(request, edits);
  edit_record_route(request, edits);
  edit_path(request, edits);
  edit_limits(request, edits);
  edit_route(request, edits);
  if (request.view.has_extras) [[unlikely]]
    edit_extras(request, edits);
  return branch;
}

}  // namespace viaduct::proxy
