// Rows to fields, in whatever form the grammar allows. Nearly all messages are read by plain_rows.h instead.
#include "sip/header_reader.h"

#include <algorithm>
#include <cstring>

#include "sip/decimal.h"
#include "sip/faulty.h"
#include "sip/list.h"
#include "sip/method.h"
#include "sip/name_addr.h"
#include "sip/row_name.h"
#include "sip/via.h"

namespace viaduct::sip {
namespace {

// The value between the colon and the next row: white space and folds off both ends.
Slice trim(const char* base, size_t begin, size_t end) {
  const char* p = skip(base + begin, base + end, lws_char);
  const char* e = base + end;
  while (e != p && is(e[-1], lws_char)) --e;
  return {static_cast<uint16_t>(p - base), static_cast<uint16_t>(e - base)};
}

// Where the colon of the row is, or nullptr and a fault: only SP and HTAB may stand in front of it (RFC 3261
// section 25.1, HCOLON).
const char* find_colon(Message& message, Slice name, uint16_t next) {
  const char* base = message.bytes.data();
  const char* end = base + next;
  const char* p = base + name.end;
  if (!name.empty()) {
    while (p != end && (*p == ' ' || *p == '\t')) ++p;
    if (p != end && *p == ':') return p;
  }
  const char* line_end = std::find_if(p, end, [](char c) { return c == '\r' || c == '\n'; });
  const char* colon = std::find(p, line_end, ':');
  if (colon == line_end) {
    note(message, Fault::row_without_colon);
    return nullptr;
  }
  note(message, Fault::header_name_malformed);
  if (std::any_of(p, colon, [](char c) { return static_cast<uint8_t>(c) < 0x20 && c != '\t'; })) {
    message.deviations.note(Deviation::control_before_colon);
  }
  return nullptr;
}

struct RowStart {
  Header header;
  uint32_t colon;  // where it is
};

// A row that is malformed is of no header.
RowStart read_row_start(Message& message, size_t begin, size_t next) {
  const char* base = message.bytes.data();
  const char* name_end = skip16<token_char>(base + begin, base + next, base + message.bytes.size());
  const Slice name{static_cast<uint16_t>(begin), static_cast<uint16_t>(name_end - base)};
  if (name.empty() || name.end == next || *name_end != ':') {
    name_end = find_colon(message, name, static_cast<uint16_t>(next));
    if (name_end == nullptr) return {Header::other, 0};
  }
  return {header_of(message.text(name)), static_cast<uint32_t>(name_end - base)};
}

// The fault of a second row of a header that may have one only (PAR-21); none for the other headers.
Fault fault_of_repetition(Header header) {
  switch (header) {
    case Header::from: return Fault::from_repeated;
    case Header::to: return Fault::to_repeated;
    case Header::call_id: return Fault::call_id_repeated;
    case Header::cseq: return Fault::cseq_repeated;
    case Header::content_length: return Fault::content_length_repeated;
    case Header::max_forwards: return Fault::max_forwards_repeated;
    case Header::max_breadth: return Fault::max_breadth_malformed;
    default: return Fault::none;
  }
}

class RowReader {
 public:
  explicit RowReader(Message& message) : message_(message) {}

  // Interprets the row, the first of its header.
  void read(const Row& row);
  void read_repeated(const Row& row);

 private:
  std::string_view text(Slice slice) const { return message_.text(slice); }

  void read_via_row(const Row& row);
  void read_one_via(Cursor& in, Via& via);
  void read_call_id(Slice value);
  void read_cseq(Slice value);
  void read_max_forwards(Slice value);
  void read_max_breadth(Slice value);
  void read_content_length(Slice value);

  Message& message_;
};

void RowReader::read(const Row& row) {
  const Slice value = row.value;
  switch (row.header) {
    case Header::via: return read_via_row(row);
    case Header::from:
      if (!find_tag(message_.bytes, value, message_.from_tag, message_.has_from_tag)) {
        note(message_, Fault::from_malformed);
      }
      return;
    case Header::to:
      if (!find_tag(message_.bytes, value, message_.to_tag, message_.has_to_tag)) {
        note(message_, Fault::to_malformed);
      }
      return;
    case Header::call_id: return read_call_id(value);
    case Header::cseq: return read_cseq(value);
    case Header::content_length: return read_content_length(value);
    case Header::max_forwards: return read_max_forwards(value);
    case Header::max_breadth: return read_max_breadth(value);
    default: return;
  }
}

void RowReader::read_repeated(const Row& row) {
  if (row.header == Header::via) return read_via_row(row);
  const bool of_requests = row.header == Header::max_forwards || row.header == Header::max_breadth;
  const Fault fault = fault_of_repetition(row.header);
  if (fault == Fault::none || (of_requests && !message_.is_request())) return;
  message_.deviations.note(Deviation::header_repeated);
  if (row.header == Header::content_length) message_.has_content_length = false;
  note(message_, fault);
}

// The top value decides where an answer goes and the second where a response goes (RSP-16), so they are read; the rest
// is counted. A Via below is somebody else's and not judged (RFC 3261 section 16.3(1)), neither on its way nor on its
// way back, where ours is one more.
void RowReader::read_via_row(const Row& row) {
  const uint16_t needed = message_.is_request() ? 1 : 2;
  const bool judged = message_.via_count < needed;
  bool framed = true;
  const char* previous_end = nullptr;  // of the value before in this row
  Cursor in(message_.bytes, row.value);
  for (bool more = true; more;) {
    const char* from = in.p;
    Via* via = message_.via_count < message_.via.size() ? &message_.via[message_.via_count] : nullptr;
    if (via != nullptr) read_one_via(in, *via);
    if (via == nullptr || !via->well_formed) {
      in.p = from;
      framed = skip_value(in) && in.p != from && framed;
    }
    const char* value_end = in.p;
    more = in.eat(',');
    if (more) in.skip_lws();
    if (via != nullptr) {
      via->removal = more                      ? in.slice(from, in.p)
                     : previous_end == nullptr ? Slice{row.begin, row.next}
                                               : in.slice(previous_end, value_end);
      previous_end = message_.bytes.data() + via->value.end;
    }
    if (message_.via_count < UINT16_MAX) ++message_.via_count;
  }
  if (!framed && judged) note(message_, Fault::via_malformed);
  if (message_.via_count >= via_values_max + needed) [[unlikely]]
    note(message_, Fault::too_many_vias);
}

void RowReader::read_one_via(Cursor& in, Via& via) {
  Deviations deviations;
  const Fault fault = read_via(in, via, deviations);
  const bool top = message_.via_count == 0;
  if (top && deviations.has(Deviation::ipv6_without_brackets)) {
    message_.deviations.note(Deviation::ipv6_without_brackets);
  }
  if (top || !message_.is_request()) note(message_, fault);
}

// callid = word [ "@" word ], read generously: visible octets. It is a key, so it must be one piece.
void RowReader::read_call_id(Slice value) {
  message_.call_id = value;
  Cursor in(message_.bytes, value);
  in.run<visible_char>();
  if (value.empty() || !in.done()) note(message_, Fault::call_id_malformed);
}

// CSeq = 1*DIGIT LWS Method
void RowReader::read_cseq(Slice value) {
  message_.cseq_number = 0;
  Cursor in(message_.bytes, value);
  uint64_t number = 0;
  const bool has_number = read_decimal(in, number) && number <= UINT32_MAX;
  if (has_number) message_.cseq_number = static_cast<uint32_t>(number);
  const char* after_number = in.p;
  in.skip_lws();
  const bool apart = in.p != after_number;
  message_.cseq_method = in.run<token_char>();
  if (!has_number || !apart || message_.cseq_method.empty() || !in.done()) [[unlikely]] {
    note(message_, Fault::cseq_malformed);
  } else if (!message_.is_request()) {
    message_.method_text = message_.cseq_method;
    message_.method = method_of(text(message_.cseq_method), message_.bytes.data() + message_.bytes.size());
  } else if (text(message_.cseq_method) != text(message_.method_text)) {
    message_.deviations.note(Deviation::cseq_method_mismatch);
    note(message_, Fault::cseq_method_mismatch);
  }
}

void RowReader::read_max_forwards(Slice value) {
  if (!message_.is_request()) return;
  uint64_t number = 0;
  if (!read_decimal(text(value), number)) return note(message_, Fault::max_forwards_malformed);
  if (number > 255) return message_.deviations.note(Deviation::max_forwards_too_large);
  message_.has_max_forwards = true;
  message_.max_forwards = static_cast<uint8_t>(number);
}

void RowReader::read_max_breadth(Slice value) {
  if (!message_.is_request()) return;
  uint64_t number = 0;
  if (!read_decimal(text(value), number)) {
    message_.deviations.note(Deviation::max_breadth_invalid);
    return note(message_, Fault::max_breadth_malformed);
  }
  message_.has_max_breadth = true;
  message_.max_breadth = static_cast<uint32_t>(std::min<uint64_t>(number, UINT32_MAX));
}

void RowReader::read_content_length(Slice value) {
  uint64_t number = 0;
  if (!read_decimal(text(value), number)) return note(message_, Fault::content_length_malformed);
  message_.has_content_length = true;
  message_.content_length = static_cast<uint32_t>(std::min<uint64_t>(number, UINT32_MAX));
}

void check_routes(Message& message) {
  size_t values = 0;
  bool apart = true;
  ValueWalk walk(message, Header::route);
  for (; walk.next(); ++values) {
    const std::string_view text = message.text(walk.value());
    const bool in_brackets = text.size() > 2 && text.front() == '<' && text.find('>') == text.size() - 1;
    apart = apart && in_brackets && walk.value() == walk.row().value;
  }
  message.routes_apart = apart && !walk.bad() && values <= route_values_max;
  if (walk.bad()) note(message, Fault::route_malformed);
  if (values > route_values_max) note(message, Fault::too_many_routes);
}

// Option tags are tokens. CANCEL and ACK may carry what they like there (VAL-05).
void check_proxy_require(Message& message) {
  if (message.method == Method::cancel || message.method == Method::ack) return;
  ValueWalk walk(message, Header::proxy_require);
  while (walk.next()) {
    if (!all(message.text(walk.value()), token_char)) note(message, Fault::proxy_require_malformed);
  }
  if (walk.bad()) note(message, Fault::proxy_require_malformed);
}

// What a method brings with it, or must not.
void check_method(Message& message) {
  Deviations& deviations = message.deviations;
  switch (message.method) {
    case Method::invite:
      if (!message.has(Header::contact)) deviations.note(Deviation::contact_missing);
      break;
    case Method::cancel:
      if (message.has(Header::require) || message.has(Header::proxy_require)) {
        deviations.note(Deviation::require_in_cancel);
      }
      [[fallthrough]];
    case Method::bye:
      if (message.has(Header::contact)) deviations.note(Deviation::contact_out_of_place);
      break;
    case Method::register_:
      if (message.has(Header::record_route)) deviations.note(Deviation::record_route_in_register);
      if (!message.request_uri.user.empty()) deviations.note(Deviation::register_with_user);
      break;
    default: break;
  }
}

void check_response(Message& message) {
  if (message.status == 100) return;
  if (message.has(Header::to) && !message.has_to_tag) message.deviations.note(Deviation::to_tag_missing);
  if (message.status / 100 == 2 && message.method == Method::invite && !message.has(Header::contact)) {
    message.deviations.note(Deviation::contact_missing_in_answer);
  }
}

void check_request(Message& message, bool routes_well_formed) {
  Deviations& deviations = message.deviations;
  if (!message.has(Header::max_forwards)) deviations.note(Deviation::max_forwards_missing);
  if (message.has(Header::from) && !message.has_from_tag) deviations.note(Deviation::from_tag_missing);
  if (message.cseq_number >> 31 != 0) deviations.note(Deviation::cseq_too_large);
  check_method(message);
  if (!routes_well_formed && message.has(Header::route)) check_routes(message);
  if (message.has(Header::proxy_require)) check_proxy_require(message);
  if (message.via_count == 0) return;
  const Via& top = message.via[0];
  if (top.branch.empty()) deviations.note(Deviation::branch_missing);
  if (!top.branch.empty() && !top.has_cookie) deviations.note(Deviation::branch_without_cookie);
  if (top.rport != 0) deviations.note(Deviation::rport_with_value);
  if (top.has_received) deviations.note(Deviation::received_by_client);
  const uint64_t transport = name_key(message.bytes.data() + top.transport.begin, top.transport.size(),
                                      message.bytes.data() + message.bytes.size());
  if (top.transport.size() != 3 || transport != key_of("udp")) deviations.note(Deviation::via_transport_mismatch);
}

}  // namespace

void read_row(Message& message, const Row& row) { RowReader(message).read(row); }

void read_rows(Message& message, const Scan& scan) {
  const size_t rows = std::min<size_t>(scan.rows, Scan::rows_max);
  uint16_t found = 0;
  message.first_row_of.fill(0);
  RowReader reader(message);
  for (size_t i = 1; i < rows; ++i) {
    const size_t begin = scan.begin[i];
    const size_t next = scan.begin[i + 1];
    const RowStart start = read_row_start(message, begin, next);
    if (start.header == Header::other) continue;
    Row& row = message.rows[found++];
    row = {.begin = static_cast<uint16_t>(begin),
           .value = trim(message.bytes.data(), start.colon + 1, next),
           .next = static_cast<uint16_t>(next),
           .header = start.header};
    uint16_t& first = message.first_row_of[static_cast<size_t>(row.header)];
    if (first == 0) {
      first = found;
      reader.read(row);
    } else {
      reader.read_repeated(row);
    }
  }
  message.row_count = found;
  // Only a section longer than that can hold such a row.
  for (size_t i = 1; scan.headers_end > row_bytes_max && i < rows; ++i) {
    if (scan.begin[i + 1] - scan.begin[i] > int{row_bytes_max}) return note(message, Fault::row_too_long);
  }
  if (scan.rows > rows) [[unlikely]]
    note(message, Fault::too_many_rows);
}

void check_headers(Message& message, bool routes_well_formed) {
  constexpr std::pair<Header, Fault> mandatory[] = {{Header::via, Fault::via_missing},
                                                    {Header::call_id, Fault::call_id_missing},
                                                    {Header::cseq, Fault::cseq_missing},
                                                    {Header::from, Fault::from_missing},
                                                    {Header::to, Fault::to_missing}};
  for (const auto& [header, fault] : mandatory) {
    if (!message.has(header)) [[unlikely]]
      note(message, fault);
  }
  message.is_request() ? check_request(message, routes_well_formed) : check_response(message);
}

}  // namespace viaduct::sip
