#include "proxy/forward.h"

#include "proxy/branch.h"
#include "proxy/record_route.h"
#include "proxy/via_mac.h"

namespace viaduct::proxy {
namespace {

// Behind the last Via row: where rows go that have no place of their own.
uint16_t after_vias(const sip::Message& message) {
  uint16_t after = message.first_row;
  for (uint16_t i = 0; i < message.row_count; ++i) {
    if (message.rows[i].header == sip::Header::via) after = message.rows[i].next;
  }
  return after;
}

// Above all others (FWD-05); sent-by is the socket it leaves from, where the response comes back (FWD-06). No rport:
// both ports are one (NAT-15).
uint64_t edit_own_via(const Request& request, Edits& edits) {
  const View& view = request.view;
  const Target& target = request.target;
  const auto foreseen = request.foresight.branch(target.next_hop);
  const Branch branch = foreseen ? Branch(*foreseen) : Branch(request.message, target.next_hop, view.keys);
  const uint16_t arrival = request.arrival.socket;
  const net::Endpoint& answer_to = request.stamp.answer_to;
  edits.begin_text();
  edits.put(view.sockets[target.socket].via);
  edits.put(branch.text());
  edits.put(";vd=");
  put_via_mac(edits, view.keys, branch.text(), arrival, answer_to,
              foreseen ? request.foresight.via(arrival, answer_to) : std::nullopt);
  edits.put("\r\n");
  edits.insert(request.message.row_of(sip::Header::via)->begin);
  return branch.hash();
}

void edit_stamp(const Stamp& stamp, Edits& edits) {
  for (size_t i = 0; i < stamp.count; ++i) {
    edits.begin_text();
    edits.put(stamp.patches[i].view());
    edits.replace(stamp.patches[i].at);
  }
}

// One less, or the default where there is none that can be read (FWD-03, PAR-23).
void edit_max_forwards(const Request& request, uint16_t after, Edits& edits) {
  const sip::Message& message = request.message;
  const sip::Row* row = message.row_of(sip::Header::max_forwards);
  edits.begin_text();
  if (row == nullptr) edits.put("Max-Forwards: ");
  edits.put_number(message.has_max_forwards ? message.max_forwards - 1u : request.view.policy.max_forwards_default);
  if (row != nullptr) return edits.replace(row->value);
  edits.put("\r\n");
  edits.insert(after);
}

// Exactly one in every proxied request, never more than our maximum, never less than came in (RFC 5393 section 5.3.3).
// To a CANCEL it means nothing (section 5.4.1).
void edit_max_breadth(const Request& request, uint16_t after, Edits& edits) {
  const sip::Message& message = request.message;
  const uint32_t maximum = request.view.policy.max_breadth;
  if (maximum == 0 || message.method == sip::Method::cancel) return;
  const sip::Row* row = message.row_of(sip::Header::max_breadth);
  if (row != nullptr && message.max_breadth <= maximum) return;
  edits.begin_text();
  if (row == nullptr) edits.put("Max-Breadth: ");
  edits.put_number(maximum);
  if (row != nullptr) return edits.replace(row->value);
  edits.put("\r\n");
  const sip::Row* max_forwards = message.row_of(sip::Header::max_forwards);
  edits.insert(max_forwards != nullptr ? max_forwards->next : after);
}

}  // namespace

void edit_start(const sip::Message& message, Edits& edits) {
  if (message.start_line.begin != 0) edits.remove({0, message.start_line.begin});
  constexpr std::string_view version = "SIP/2.0";
  if (message.text(message.version) == version) return;
  edits.begin_text();
  edits.put(version);
  edits.replace(message.version);
}

uint64_t edit_request(const Request& request, Edits& edits) {
  const uint16_t after = after_vias(request.message);
  edit_start(request.message, edits);
  const uint64_t transaction = edit_own_via(request, edits);
  edit_stamp(request.stamp, edits);
  edit_record_route(request, after, edits);
  edit_path(request, after, edits);
  edit_max_forwards(request, after, edits);
  edit_max_breadth(request, after, edits);
  edit_route(request, edits);
  return transaction;
}

}  // namespace viaduct::proxy
