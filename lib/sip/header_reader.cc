// Rows to fields. Most rows of a message are of headers nobody here reads: they cost one look at their name.
#include "sip/header_reader.h"

#include <algorithm>

#include "sip/decimal.h"
#include "sip/faulty.h"
#include "sip/header_name.h"
#include "sip/list.h"
#include "sip/method.h"
#include "sip/name_addr.h"
#include "sip/via.h"

namespace viaduct::sip {
namespace {

bool is_space(char c) { return static_cast<uint8_t>(c) <= ' '; }

// The value of a row: what is between the colon and the line end, white space and folds at both ends excluded.
Slice trim(const char* base, uint16_t begin, uint16_t end) {
  const char* p = base + begin;
  const char* e = base + end;
  // Nearly always: one space in front, CR LF behind.
  if (e - p > 3 && *p == ' ' && !is_space(p[1]) && e[-2] == '\r' && !is_space(e[-3])) [[likely]] {
    return {static_cast<uint16_t>(begin + 1), static_cast<uint16_t>(end - 2)};
  }
  p = skip(p, e, lws_char);
  while (e != p && is(e[-1], lws_char)) --e;
  return {static_cast<uint16_t>(p - base), static_cast<uint16_t>(e - base)};
}

// Where the colon of the row is if white space stands before it, or why there is none (RFC 3261 section 25.1, HCOLON).
// 0: there is none.
uint16_t find_colon(Message& message, uint16_t begin, uint16_t name_end, uint16_t next) {
  const char* base = message.bytes.data();
  const char* end = base + next;
  const char* p = base + name_end;
  if (name_end != begin) {
    while (p != end && (*p == ' ' || *p == '\t')) ++p;
    if (p != end && *p == ':') return static_cast<uint16_t>(p - base);
  }
  const char* line_end = std::find_if(p, end, [](char c) { return c == '\r' || c == '\n'; });
  const char* colon = std::find(p, line_end, ':');
  if (colon == line_end) {
    note(message, Fault::row_without_colon);
    return 0;
  }
  note(message, Fault::header_name_malformed);
  if (std::any_of(p, colon, [](char c) { return static_cast<uint8_t>(c) < 0x20 && c != '\t'; })) {
    message.deviations.note(Deviation::control_before_colon);
  }
  return 0;
}

// The fault of a second row of a header that may have one only (PAR-21); none for the other headers.
Fault fault_of_repetition(Header header) {
  switch (header) {
    case Header::from:
      return Fault::from_repeated;
    case Header::to:
      return Fault::to_repeated;
    case Header::call_id:
      return Fault::call_id_repeated;
    case Header::cseq:
      return Fault::cseq_repeated;
    case Header::content_length:
      return Fault::content_length_repeated;
    case Header::max_forwards:
      return Fault::max_forwards_repeated;
    case Header::max_breadth:
      return Fault::max_breadth_malformed;
    default:
      return Fault::none;
  }
}

}  // namespace

void HeaderReader::rows(const uint16_t* begin, size_t count) {
  const char* base = message_.bytes.data();
  const char* readable = base + message_.bytes.size();
  for (size_t i = 0; i < count; ++i) {
    const uint16_t next = begin[i + 1];
    const HeaderName name = read_header_name(base + begin[i], base + next, readable);
    size_t colon = begin[i] + name.size;
    if (name.size == 0 || colon >= next || base[colon] != ':') [[unlikely]] {
      colon = find_colon(message_, begin[i], static_cast<uint16_t>(colon), next);
      if (colon == 0) continue;
    }
    if (name.header != Header::other) track(name.header, begin[i], static_cast<uint16_t>(colon), next);
  }
  // Only a section longer than that can hold such a row.
  for (size_t i = 0; count != 0 && begin[count] - begin[0] > int{row_bytes_max} && i < count; ++i) {
    if (begin[i + 1] - begin[i] > int{row_bytes_max}) return note(message_, Fault::row_too_long);
  }
}

void HeaderReader::track(Header header, uint16_t begin, uint16_t colon, uint16_t next) {
  if (message_.row_count == tracked_rows_max) [[unlikely]]
    return note(message_, Fault::too_many_rows);
  Row& row = message_.rows[message_.row_count++];
  row = {begin, trim(message_.bytes.data(), static_cast<uint16_t>(colon + 1), next), next, header};
  const auto index = static_cast<size_t>(header);
  if (message_.rows_of[index]++ == 0) {
    message_.first_row_of[index] = message_.row_count;
    read(row);
  } else {
    repeated(row);
  }
}

void HeaderReader::read(const Row& row) {
  switch (row.header) {
    case Header::via:
      return read_via_row(row);
    case Header::from:
      return read_from(row.value);
    case Header::to:
      return read_to(row.value);
    case Header::call_id:
      return read_call_id(row.value);
    case Header::cseq:
      return read_cseq(row.value);
    case Header::content_length:
      return read_content_length(row.value);
    case Header::max_forwards:
      return read_max_forwards(row.value);
    case Header::max_breadth:
      return read_max_breadth(row.value);
    default:
      return;
  }
}

void HeaderReader::repeated(const Row& row) {
  if (row.header == Header::via) return read_via_row(row);
  const bool of_requests = row.header == Header::max_forwards || row.header == Header::max_breadth;
  const Fault fault = fault_of_repetition(row.header);
  if (fault == Fault::none || (of_requests && !message_.is_request())) return;
  message_.deviations.note(Deviation::header_repeated);
  note(message_, fault);
}

// The top value decides where an answer goes and the second where a response goes (RSP-16), so they are read; the rest
// is counted. In a request a Via below the top row is somebody else's and not judged (RFC 3261 section 16.3(1)).
void HeaderReader::read_via_row(const Row& row) {
  const bool judged = message_.via_count == 0 || !message_.is_request();
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
  if (message_.via_count > via_values_max) [[unlikely]]
    note(message_, Fault::too_many_vias);
}

void HeaderReader::read_one_via(Cursor& in, Via& via) {
  Deviations deviations;
  const Fault fault = read_via(in, via, deviations);
  const bool top = message_.via_count == 0;
  if (top && deviations.has(Deviation::ipv6_without_brackets)) {
    message_.deviations.note(Deviation::ipv6_without_brackets);
  }
  if (top || !message_.is_request()) note(message_, fault);
}

void HeaderReader::read_from(Slice value) {
  if (!find_tag(message_.bytes, value, message_.from_tag, message_.has_from_tag)) note(message_, Fault::from_malformed);
}

void HeaderReader::read_to(Slice value) {
  if (!find_tag(message_.bytes, value, message_.to_tag, message_.has_to_tag)) note(message_, Fault::to_malformed);
}

// callid = word [ "@" word ], read generously: visible octets. It is a key, so it must be one piece.
void HeaderReader::read_call_id(Slice value) {
  message_.call_id = value;
  Cursor in(message_.bytes, value);
  in.run<visible_char>();
  if (value.empty() || !in.done()) note(message_, Fault::call_id_malformed);
}

// CSeq = 1*DIGIT LWS Method
void HeaderReader::read_cseq(Slice value) {
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
    message_.method = method_of(text(message_.cseq_method));
  } else if (text(message_.cseq_method) != text(message_.method_text)) [[unlikely]] {
    message_.deviations.note(Deviation::cseq_method_mismatch);
    note(message_, Fault::cseq_method_mismatch);
  }
}

void HeaderReader::read_max_forwards(Slice value) {
  if (!message_.is_request()) return;
  uint64_t number = 0;
  if (!read_decimal(text(value), number)) return note(message_, Fault::max_forwards_malformed);
  if (number > 255) return message_.deviations.note(Deviation::max_forwards_too_large);
  message_.has_max_forwards = true;
  message_.max_forwards = static_cast<uint8_t>(number);
}

void HeaderReader::read_max_breadth(Slice value) {
  if (!message_.is_request()) return;
  uint64_t number = 0;
  if (!read_decimal(text(value), number)) {
    message_.deviations.note(Deviation::max_breadth_invalid);
    return note(message_, Fault::max_breadth_malformed);
  }
  message_.has_max_breadth = true;
  message_.max_breadth = static_cast<uint32_t>(std::min<uint64_t>(number, UINT32_MAX));
}

void HeaderReader::read_content_length(Slice value) {
  uint64_t number = 0;
  if (!read_decimal(text(value), number)) return note(message_, Fault::content_length_malformed);
  message_.has_content_length = true;
  message_.content_length = static_cast<uint32_t>(std::min<uint64_t>(number, UINT32_MAX));
}

void HeaderReader::check_routes() {
  size_t values = 0;
  ValueWalk walk(message_, Header::route);
  while (walk.next()) ++values;
  if (walk.bad()) note(message_, Fault::route_malformed);
  if (values > route_values_max) note(message_, Fault::too_many_routes);
}

// Option tags are tokens. CANCEL and ACK may carry what they like there (VAL-05).
void HeaderReader::check_proxy_require() {
  if (message_.method == Method::cancel || message_.method == Method::ack) return;
  ValueWalk walk(message_, Header::proxy_require);
  while (walk.next()) {
    if (!all(text(walk.value()), token_char)) note(message_, Fault::proxy_require_malformed);
  }
  if (walk.bad()) note(message_, Fault::proxy_require_malformed);
}

void HeaderReader::check_request() {
  Deviations& deviations = message_.deviations;
  if (!message_.has(Header::max_forwards)) deviations.note(Deviation::max_forwards_missing);
  if (message_.has(Header::from) && !message_.has_from_tag) deviations.note(Deviation::from_tag_missing);
  if (message_.method == Method::register_ && message_.has(Header::record_route)) {
    deviations.note(Deviation::record_route_in_register);
  }
  if (message_.has(Header::route)) check_routes();
  if (message_.has(Header::proxy_require)) check_proxy_require();
  if (message_.via_count == 0) return;
  const Via& top = message_.via[0];
  if (top.branch.empty()) deviations.note(Deviation::branch_missing);
  if (!top.branch.empty() && !top.has_cookie) deviations.note(Deviation::branch_without_cookie);
  if (top.rport != 0) deviations.note(Deviation::rport_with_value);
  if (top.has_received) deviations.note(Deviation::received_by_client);
  if (!equals_ignoring_case(text(top.transport), "udp")) deviations.note(Deviation::via_transport_mismatch);
}

void HeaderReader::finish() {
  constexpr std::pair<Header, Fault> mandatory[] = {{Header::via, Fault::via_missing},
                                                    {Header::call_id, Fault::call_id_missing},
                                                    {Header::cseq, Fault::cseq_missing},
                                                    {Header::from, Fault::from_missing},
                                                    {Header::to, Fault::to_missing}};
  for (const auto& [header, fault] : mandatory) {
    if (!message_.has(header)) [[unlikely]]
      note(message_, fault);
  }
  if (message_.is_request()) check_request();
}

}  // namespace viaduct::sip
