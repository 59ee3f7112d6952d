#include "proxy/forward.h"

#include <cstring>
#include <string_view>

#include "proxy/overload.h"
#include "proxy/own_via.h"
#include "proxy/phrase.h"
#include "proxy/record_route.h"
#include "proxy/stamp.h"
#include "proxy/strip.h"

namespace viaduct::proxy {
namespace {

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
[[gnu::always_inline]] inline void edit_limits(const Request& request, Edits::Pen& pen) {
  const sip::Message& message = request.message;
  const Policy& policy = request.view.policy;
  const sip::Row* const row = message.row_of(sip::Header::max_forwards);
  const sip::Row* const breadth = message.row_of(sip::Header::max_breadth);
  const bool limited = wants_max_breadth(request), new_breadth = limited && breadth == nullptr;
  const uint64_t left = message.has_max_forwards ? message.max_forwards - 1u : policy.max_forwards_default;
  if (row == nullptr) [[unlikely]] {
    char* out = Edits::write_number(left, write_text("Max-Forwards: ", pen.text()));
    if (new_breadth) out = request.view.max_breadth.write(out);
    pen.insert(after_vias(message), write_text("\r\n", out));
  } else {
    char* out = Edits::write_number(left, pen.text());
    const bool joined = new_breadth && message.text({row->value.end, row->next}) == "\r\n";
    if (joined) out = request.view.max_breadth.write(out);
    pen.replace(row->value, out);
    if (new_breadth && !joined) {
      out = Edits::write_number(policy.max_breadth, write_text("Max-Breadth: ", pen.text()));
      pen.insert(row->next, write_text("\r\n", out));
    }
  }
  if (limited && breadth != nullptr) pen.replace(breadth->value, Edits::write_number(policy.max_breadth, pen.text()));
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

// Where a row goes of which there may be others.
uint16_t above_first(const sip::Message& message, sip::Header header) {
  const sip::Row* const first = message.row_of(header);
  return first != nullptr ? first->begin : after_vias(message);
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

// Of a pen's texts: the rest are two rows of limits and a Require.
static_assert(own_via_bytes_max + 2 * stamp_bytes_max + 2 * route_rows_bytes_max + 256 <= edit_text_bytes_max);

OwnBranch edit_request(const Request& request, Edits& edits) {
  const sip::Message& message = request.message;
  const net::Endpoint& source = request.arrival.source;
  OwnBranch branch;
  Edits::Pen pen(edits);
  pen.insert(message.row_of(sip::Header::via)->begin, write_own_via(request, pen.text(), branch));
  const auto put_stamp = [&](sip::Slice at, Stamp stamp) __attribute__((always_inline)) {
    pen.replace(at, write_stamp(stamp, source, pen.text()));
  };
  stamp_top_via(message, source, request.listener.force_rport, put_stamp);
  if (wants_record_route(request)) {
    pen.insert(above_first(message, sip::Header::record_route), write_record_route(request, pen.text()));
  }
  if (wants_path(request)) {
    pen.insert(above_first(message, sip::Header::path), write_path(request, pen.text()));
    if (request.listener.require_path) {
      pen.insert(above_first(message, sip::Header::require), write_text("Require: path\r\n", pen.text()));
    }
  }
  edit_limits(request, pen);
  pen.finish();
  edit_start(message, edits);
  edit_route(request, edits);
  if (request.view.has_extras) [[unlikely]]
    edit_extras(request, edits);
  return branch;
}

}  // namespace viaduct::proxy
