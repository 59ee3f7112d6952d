#include "blast/dialog.h"

#include <array>

#include "blast/digits.h"
#include "blast/token.h"

namespace viaduct::blast {
namespace {

void write_via(const OwnVia& via, TextWriter& out) {
  char marks[2 * hex_digits];
  write_hex(via.number, marks);
  write_hex(via.time_ns, marks + hex_digits);
  out.add("Via: SIP/2.0/UDP ", via.sent_by, ";branch=", branch_start, via.run, std::string_view(marks, sizeof marks),
          eol);
}

// The values of rows in reverse order.
void write_route_set(const Rows& record_routes, TextWriter& out) {
  for (size_t i = record_routes.size(); i-- > 0;) {
    std::array<std::string_view, Rows::rows_max> values;
    size_t count = 0;
    for (std::string_view row = record_routes[i]; !row.empty() && count < values.size();) {
      values[count++] = take_value(row);
    }
    while (count-- > 0) out.add("Route: ", values[count], eol);
  }
}

void write_identity(const Head& of, std::string_view to, TextWriter& out) {
  out.add("From: ", of.from, "\r\nTo: ", to, "\r\nCall-ID: ", of.call_id, eol);
}

constexpr std::string_view end = "Content-Length: 0\r\n\r\n";

void write_in_dialog(std::string_view method, const Head& response, const OwnVia& via, TextWriter& out) {
  std::string_view contact = response.contact.empty() ? response.to : response.contact;
  out.add(method, " ", uri_of(take_value(contact)), " SIP/2.0\r\n");
  write_via(via, out);
  out.add("Max-Forwards: 70\r\n");
  write_route_set(response.record_routes, out);
  write_identity(response, response.to, out);
}

uint64_t number_of(std::string_view digits) {
  uint64_t number = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') break;
    number = number * 10 + static_cast<uint64_t>(c - '0');
  }
  return number;
}

// With the request's Via, so that every hop takes it for the same transaction.
void write_in_transaction(std::string_view method, const Head& request, std::string_view to, TextWriter& out) {
  out.add(method, " ", request.uri, " SIP/2.0\r\nVia: ", request.vias[0], "\r\nMax-Forwards: 70\r\n");
  for (const std::string_view route : request.routes) out.add("Route: ", route, eol);
  write_identity(request, to, out);
  out.add("CSeq: ", request.cseq_number, " ", method, eol, end);
}

}  // namespace

void write_ack_of_2xx(const Head& response, const OwnVia& via, TextWriter& out) {
  write_in_dialog("ACK", response, via, out);
  out.add("CSeq: ", response.cseq_number, " ACK\r\n", end);
}

void write_bye(const Head& response, const OwnVia& via, TextWriter& out) {
  write_in_dialog("BYE", response, via, out);
  out.add("CSeq: ");
  out.add_number(number_of(response.cseq_number) + 1);
  out.add(" BYE\r\n", end);
}

void write_ack_of_failure(const Head& request, const Head& response, TextWriter& out) {
  write_in_transaction("ACK", request, response.to, out);
}

void write_cancel(const Head& request, TextWriter& out) { write_in_transaction("CANCEL", request, request.to, out); }

}  // namespace viaduct::blast
