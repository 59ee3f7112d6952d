// A datagram becomes a Message: scan the rows, then read those a proxy decision needs, in their order.
#include <algorithm>
#include <cstring>

#include "sip/cursor.h"
#include "sip/decimal.h"
#include "sip/faulty.h"
#include "sip/header_name.h"
#include "sip/list.h"
#include "sip/method.h"
#include "sip/name_addr.h"
#include "sip/scan.h"
#include "sip/start_line.h"
#include "sip/via.h"

namespace viaduct::sip {
namespace {

constexpr size_t offset_max = 65535;
constexpr size_t keepalive_bytes_max = 4;  // conformance rule PAR-18

// Everything but the arrays, whose contents the counts guard.
void clear(Message& message, std::string_view datagram) {
  message.bytes = datagram;
  message.fault = Fault::none;
  message.deviations = Deviations{};
  message.kind = Kind::request;
  message.method = Method::other;
  message.start_line = message.method_text = message.version = Slice{};
  message.first_row = 0;
  message.request_uri = Uri{};
  message.status = 0;
  message.headers_end = message.body = message.end = 0;
  message.row_count = 0;
  message.first_row_of.fill(0);
  message.rows_of.fill(0);
  message.via_count = 0;
  message.call_id = message.cseq_method = message.from_tag = message.to_tag = Slice{};
  message.cseq_number = message.max_breadth = message.content_length = 0;
  message.max_forwards = 0;
  message.has_from_tag = message.has_to_tag = message.has_max_forwards = false;
  message.has_max_breadth = message.has_content_length = false;
}

Datagram classify(std::string_view datagram, size_t& start) {
  start = 0;
  if (datagram.size() <= keepalive_bytes_max) return Datagram::keepalive;
  const auto first = static_cast<uint8_t>(datagram[0]);
  if (first <= 0x01) return Datagram::stun;     // RFC 5626 section 8
  if (first >= 0xf8) return Datagram::sigcomp;  // RFC 3320 section 7
  while (datagram.size() - start >= 2 && datagram[start] == '\r' && datagram[start + 1] == '\n') start += 2;
  if (datagram.find_first_not_of("\r\n", start) == std::string_view::npos) return Datagram::keepalive;
  return Datagram::sip;
}

// The value of a row: what is between the colon and the line end, white space and folds at both ends excluded.
Slice trim(std::string_view bytes, uint16_t begin, uint16_t end) {
  const char* p = skip(bytes.data() + begin, bytes.data() + end, lws_char);
  const char* e = bytes.data() + end;
  while (e != p && is(e[-1], lws_char)) --e;
  const auto at = static_cast<uint16_t>(p - bytes.data());
  return {at, static_cast<uint16_t>(at + (e - p))};
}

// Where the colon of the row is if white space stands before it, or why there is none (RFC 3261 section 25.1, HCOLON).
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
  } else {
    note(message, Fault::header_name_malformed);
    if (std::any_of(p, colon, [](char c) { return static_cast<uint8_t>(c) < 0x20 && c != '\t'; })) {
      message.deviations.note(Deviation::control_before_colon);
    }
  }
  return 0;
}

class Walk {
 public:
  explicit Walk(Message& message) : message_(message) {}

  void row(uint16_t begin, uint16_t next);
  void finish();

 private:
  std::string_view text(Slice slice) const { return message_.text(slice); }
  uint16_t count(Header header) const { return message_.rows_of[static_cast<size_t>(header)]; }

  void track(const Row& row);
  void read(const Row& row);
  void read_via_row(const Row& row);
  void read_one_via(Cursor& in, Via& via);
  void read_call_id(Slice value);
  void read_cseq(Slice value);
  void read_max_forwards(Slice value);
  void read_max_breadth(Slice value);
  void read_content_length(Slice value);
  void check_routes();
  void check_proxy_require();
  void check_request();
  bool once(const Row& row, Fault repeated);

  Message& message_;
};

void Walk::row(uint16_t begin, uint16_t next) {
  const char* base = message_.bytes.data();
  const char* readable = base + message_.bytes.size();
  const HeaderName name = read_header_name(base + begin, base + next, readable);
  auto colon = static_cast<uint16_t>(begin + name.size);
  if (name.size == 0 || colon >= next || base[colon] != ':') [[unlikely]] {
    colon = find_colon(message_, begin, colon, next);
    if (colon == 0) return;
  }
  if (next - begin > static_cast<int>(row_bytes_max)) note(message_, Fault::row_too_long);
  if (name.header == Header::other) return;
  Row row;
  row.begin = begin;
  row.value = trim(message_.bytes, static_cast<uint16_t>(colon + 1), next);
  row.next = next;
  row.header = name.header;
  track(row);
}

void Walk::track(const Row& row) {
  if (message_.row_count == tracked_rows_max) return note(message_, Fault::too_many_rows);
  message_.rows[message_.row_count++] = row;
  const auto index = static_cast<size_t>(row.header);
  if (message_.rows_of[index]++ == 0) message_.first_row_of[index] = message_.row_count;
  read(row);
}

// False, and a fault, for a second row of a header that may have one only (PAR-21).
bool Walk::once(const Row& row, Fault repeated) {
  if (count(row.header) == 1) return true;
  message_.deviations.note(Deviation::header_repeated);
  note(message_, repeated);
  return false;
}

void Walk::read(const Row& row) {
  switch (row.header) {
    case Header::via:
      return read_via_row(row);
    case Header::from:
      if (once(row, Fault::from_repeated) &&
          !find_tag(message_.bytes, row.value, message_.from_tag, message_.has_from_tag)) {
        note(message_, Fault::from_malformed);
      }
      return;
    case Header::to:
      if (once(row, Fault::to_repeated) && !find_tag(message_.bytes, row.value, message_.to_tag, message_.has_to_tag)) {
        note(message_, Fault::to_malformed);
      }
      return;
    case Header::call_id:
      if (once(row, Fault::call_id_repeated)) read_call_id(row.value);
      return;
    case Header::cseq:
      if (once(row, Fault::cseq_repeated)) read_cseq(row.value);
      return;
    case Header::content_length:
      if (once(row, Fault::content_length_repeated)) read_content_length(row.value);
      return;
    case Header::max_forwards:
      if (message_.is_request() && once(row, Fault::max_forwards_repeated)) read_max_forwards(row.value);
      return;
    case Header::max_breadth:
      if (message_.is_request() && once(row, Fault::max_breadth_malformed)) read_max_breadth(row.value);
      return;
    default:
      return;
  }
}

// The top value decides where an answer goes and the second where a response goes (RSP-16), so they are read; the rest
// is counted. In a request a Via below the top row is somebody else's and not judged (RFC 3261 section 16.3(1)).
void Walk::read_via_row(const Row& row) {
  const bool top_row = message_.via_count == 0;
  const bool judged = top_row || !message_.is_request();
  bool framed = true;
  const char* previous_end = nullptr;  // of the value before in this row
  Cursor in(message_.bytes, row.value);
  for (bool more = true; more;) {
    const char* from = in.p;
    Via* via = message_.via_count < message_.via.size() ? &message_.via[message_.via_count] : nullptr;
    if (via != nullptr) read_one_via(in, *via);
    in.p = from;
    framed = skip_value(in) && in.p != from && framed;
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
  if (message_.via_count > via_values_max) note(message_, Fault::too_many_vias);
}

void Walk::read_one_via(Cursor& in, Via& via) {
  Deviations deviations;
  const Fault fault = read_via(in, via, deviations);
  const bool top = message_.via_count == 0;
  if (top && deviations.has(Deviation::ipv6_without_brackets)) {
    message_.deviations.note(Deviation::ipv6_without_brackets);
  }
  if (top || !message_.is_request()) note(message_, fault);
}

// callid = word [ "@" word ], read generously: visible octets. It is a key, so it must be one piece.
void Walk::read_call_id(Slice value) {
  message_.call_id = value;
  if (value.empty() || !all(text(value), visible_char)) note(message_, Fault::call_id_malformed);
}

// CSeq = 1*DIGIT LWS Method
void Walk::read_cseq(Slice value) {
  Cursor in(message_.bytes, value);
  uint64_t number = 0;
  bool well_formed = read_decimal(in.text(in.run<digit_char>()), number) && number <= UINT32_MAX;
  if (well_formed) message_.cseq_number = static_cast<uint32_t>(number);
  const char* after_number = in.p;
  in.skip_lws();
  well_formed = well_formed && in.p != after_number;
  message_.cseq_method = in.run<token_char>();
  if (!well_formed || message_.cseq_method.empty() || !in.done()) {
    note(message_, Fault::cseq_malformed);
  } else if (!message_.is_request()) {
    message_.method_text = message_.cseq_method;
    message_.method = method_of(text(message_.cseq_method));
  } else if (text(message_.cseq_method) != text(message_.method_text)) {
    message_.deviations.note(Deviation::cseq_method_mismatch);
    note(message_, Fault::cseq_method_mismatch);
  }
}

void Walk::read_max_forwards(Slice value) {
  uint64_t number = 0;
  if (!read_decimal(text(value), number)) return note(message_, Fault::max_forwards_malformed);
  if (number > 255) return message_.deviations.note(Deviation::max_forwards_too_large);
  message_.has_max_forwards = true;
  message_.max_forwards = static_cast<uint8_t>(number);
}

void Walk::read_max_breadth(Slice value) {
  uint64_t number = 0;
  if (!read_decimal(text(value), number)) {
    message_.deviations.note(Deviation::max_breadth_invalid);
    return note(message_, Fault::max_breadth_malformed);
  }
  message_.has_max_breadth = true;
  message_.max_breadth = static_cast<uint32_t>(std::min<uint64_t>(number, UINT32_MAX));
}

void Walk::read_content_length(Slice value) {
  uint64_t number = 0;
  if (!read_decimal(text(value), number)) return note(message_, Fault::content_length_malformed);
  message_.has_content_length = true;
  message_.content_length = static_cast<uint32_t>(std::min<uint64_t>(number, UINT32_MAX));
}

void Walk::check_routes() {
  size_t values = 0;
  ValueWalk walk(message_, Header::route);
  while (walk.next()) ++values;
  if (walk.bad()) note(message_, Fault::route_malformed);
  if (values > route_values_max) note(message_, Fault::too_many_routes);
}

// Option tags are tokens. CANCEL and ACK may carry what they like there (VAL-05).
void Walk::check_proxy_require() {
  if (message_.method == Method::cancel || message_.method == Method::ack) return;
  ValueWalk walk(message_, Header::proxy_require);
  while (walk.next()) {
    if (!all(text(walk.value()), token_char)) note(message_, Fault::proxy_require_malformed);
  }
  if (walk.bad()) note(message_, Fault::proxy_require_malformed);
}

void Walk::check_request() {
  if (!message_.has(Header::max_forwards)) message_.deviations.note(Deviation::max_forwards_missing);
  if (message_.has(Header::from) && !message_.has_from_tag) message_.deviations.note(Deviation::from_tag_missing);
  if (message_.method == Method::register_ && message_.has(Header::record_route)) {
    message_.deviations.note(Deviation::record_route_in_register);
  }
  if (message_.has(Header::route)) check_routes();
  if (message_.has(Header::proxy_require)) check_proxy_require();
  if (message_.via_count == 0) return;
  const Via& top = message_.via[0];
  Deviations& deviations = message_.deviations;
  if (top.branch.empty()) deviations.note(Deviation::branch_missing);
  if (!top.branch.empty() && !top.has_cookie) deviations.note(Deviation::branch_without_cookie);
  if (top.rport != 0) deviations.note(Deviation::rport_with_value);
  if (top.has_received) deviations.note(Deviation::received_by_client);
  if (!equals_ignoring_case(text(top.transport), "udp")) deviations.note(Deviation::via_transport_mismatch);
}

void Walk::finish() {
  if (!message_.has(Header::via)) note(message_, Fault::via_missing);
  if (!message_.has(Header::call_id)) note(message_, Fault::call_id_missing);
  if (!message_.has(Header::cseq)) note(message_, Fault::cseq_missing);
  if (!message_.has(Header::from)) note(message_, Fault::from_missing);
  if (!message_.has(Header::to)) note(message_, Fault::to_missing);
  if (message_.is_request()) check_request();
}

// NUL is legal as the second octet of a quoted-pair, and nowhere else in the headers (PAR-25).
void check_nul(Message& message, std::string_view headers) {
  for (size_t i = 0; (i = headers.find('\0', i)) != std::string_view::npos; ++i) {
    size_t backslashes = 0;
    while (backslashes < i && headers[i - 1 - backslashes] == '\\') ++backslashes;
    if (backslashes % 2 == 0) return note(message, Fault::nul_octet);
  }
}

void find_body(Message& message, const Scan& scan, uint16_t size) {
  message.headers_end = static_cast<uint16_t>(scan.headers_end);
  message.body = message.end = size;
  if (!scan.ended) return note(message, Fault::headers_unterminated);
  const std::string_view rest = message.text({message.headers_end, size});
  message.body = static_cast<uint16_t>(message.headers_end + (rest.starts_with("\r\n") ? 2 : 1));
  if (!message.has_content_length || message.rows_of[static_cast<size_t>(Header::content_length)] != 1) return;
  const uint32_t available = static_cast<uint32_t>(size - message.body);
  if (message.content_length > available) {
    message.deviations.note(Deviation::content_length_short);
    return note(message, Fault::body_truncated);
  }
  if (message.content_length < available) message.deviations.note(Deviation::content_length_excess);
  message.end = static_cast<uint16_t>(message.body + message.content_length);
}

// Where the start line ends: before its line break. A fold makes it longer than one line.
Slice start_line_of(std::string_view text, uint16_t begin, uint16_t next, bool& folded) {
  const std::string_view row = text.substr(begin, next - begin);
  const size_t feed = row.find('\n');
  folded = feed != std::string_view::npos && feed + 1 != row.size();
  size_t size = feed == std::string_view::npos ? row.size() : feed;
  if (size != 0 && size != row.size() && row[size - 1] == '\r') --size;
  return {begin, static_cast<uint16_t>(begin + size)};
}

}  // namespace

Datagram parse(std::string_view datagram, Message& message) {
  return parse_with(active_scan_kernel(), datagram, message);
}

Datagram parse_with(const ScanKernel& kernel, std::string_view datagram, Message& message) {
  clear(message, datagram);
  size_t start = 0;
  const Datagram kind = classify(datagram, start);
  if (kind != Datagram::sip) return kind;
  const std::string_view text = datagram.substr(0, offset_max);
  if (start >= text.size()) return Datagram::not_sip;

  const bool is_response = is_status_line(text.substr(start));
  const size_t method_end =
      start +
      static_cast<size_t>(skip(text.data() + start, text.data() + text.size(), token_char) - (text.data() + start));
  const bool has_method = method_end != start && method_end != text.size() && (text[method_end] == ' ' || is_response);
  if (!has_method) return Datagram::not_sip;
  Scan scan;
  kernel.scan(text, start, scan);
  if (scan.rows == 1 && !scan.ended && text.find('\n', start) == std::string_view::npos) return Datagram::not_sip;
  if (datagram.size() > offset_max) note(message, Fault::message_too_large);
  if (start != 0) message.deviations.note(Deviation::leading_crlf);

  const auto size = static_cast<uint16_t>(text.size());
  const uint32_t rows = std::min<uint32_t>(scan.rows, Scan::rows_max);
  bool folded = false;
  message.start_line = start_line_of(text, static_cast<uint16_t>(start), scan.begin[1], folded);
  message.first_row = scan.begin[1];
  if (is_response) {
    read_status_line(message);
  } else {
    read_request_line(message, static_cast<uint16_t>(method_end));
  }
  if (folded) note(message, Fault::fold_before_header);
  if (scan.bare) {
    message.deviations.note(Deviation::bare_line_end);
    note(message, Fault::bare_line_end);
  }
  Walk walk(message);
  for (uint32_t i = 1; i < rows; ++i) walk.row(scan.begin[i], scan.begin[i + 1]);
  if (scan.rows > Scan::rows_max) note(message, Fault::too_many_rows);
  if (scan.nul) check_nul(message, text.substr(start, scan.headers_end - start));
  walk.finish();
  find_body(message, scan, size);
  return Datagram::sip;
}

}  // namespace viaduct::sip
