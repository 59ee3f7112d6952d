// The start line is read strictly: single spaces, nothing before or after. RFC 4475 sections 3.1.2.7 to 3.1.2.11 would
// also let us repair it, but then every backend must repair it the same way.
#include "sip/start_line.h"

#include <algorithm>
#include <cstring>

#include "sip/cursor.h"
#include "sip/faulty.h"
#include "sip/method.h"

namespace viaduct::sip {
namespace {

constexpr std::string_view our_version = "SIP/2.0";

enum class Version { ours, other, none };

// SIP-Version = "SIP" "/" 1*DIGIT "." 1*DIGIT, any case; we speak 2.0.
Version version_of(std::string_view text) {
  if (text.size() < our_version.size() || !equals_ignoring_case(text.substr(0, 4), "sip/")) return Version::none;
  const std::string_view number = text.substr(4);
  if (number == "2.0") return Version::ours;
  const size_t dot = number.find('.');
  const bool well_formed = dot != std::string_view::npos && dot != 0 && dot + 1 != number.size() &&
                           all(number.substr(0, dot), digit_char) && all(number.substr(dot + 1), digit_char);
  return well_formed ? Version::other : Version::none;
}

void check_version(Message& message, Slice text) {
  message.version = text;
  switch (version_of(message.text(text))) {
    case Version::ours:
      if (message.text(text) != our_version) message.deviations.note(Deviation::version_case);
      break;
    case Version::other: note(message, Fault::version_unsupported); break;
    case Version::none: note(message, Fault::start_line_malformed); break;
  }
}

inline void check_uri(Message& message, Slice text) {
  const bool well_formed = parse_uri(message.bytes, text, message.request_uri);
  if (message.request_uri.scheme == Scheme::sips) [[unlikely]]
    message.deviations.note(Deviation::sips_over_udp);
  // Headers in a Request-URI (RFC 3261 table 1) must never become headers of a request (RFC 4475 section 3.1.2.11).
  if (well_formed && message.request_uri.headers.empty()) [[likely]]
    return;
  const std::string_view uri = message.text(text);
  if (uri.starts_with('<')) message.deviations.note(Deviation::request_uri_in_brackets);
  if (!message.request_uri.headers.empty()) message.deviations.note(Deviation::request_uri_with_headers);
  if (uri.empty() || uri.find_first_of(" \t") != std::string_view::npos) {
    message.deviations.note(Deviation::request_line_spaces);
    note(message, Fault::start_line_malformed);
  }
  if (!well_formed && looks_like_bare_ipv6(uri)) message.deviations.note(Deviation::ipv6_without_brackets);
  note(message, Fault::request_uri_malformed);
}

void read_request_line(Message& message, uint16_t method_end) {
  message.method_text = {message.start_line.begin, method_end};
  const std::string_view method = message.text(message.method_text);
  message.method = method_of(method, message.bytes.data() + message.bytes.size());
  if (message.method == Method::other && is_known_method_in_other_case(method)) {
    message.deviations.note(Deviation::method_lower_case);
  }
  // The URI is what stands between the first and the last space.
  const auto uri_begin = static_cast<uint16_t>(method_end + 1);
  const uint16_t end = message.start_line.end;
  const char* base = message.bytes.data();
  if (end - uri_begin > 8 && memcmp(base + end - 8, " SIP/2.0", 8) == 0) [[likely]] {
    message.version = {static_cast<uint16_t>(end - our_version.size()), end};
    return check_uri(message, {uri_begin, static_cast<uint16_t>(end - 8)});
  }
  uint16_t version = end;
  while (version > uri_begin && base[version - 1] != ' ') --version;
  if (version <= uri_begin) {  // none: read the URI all the same
    note(message, Fault::start_line_malformed);
    return check_uri(message, {uri_begin, std::max(uri_begin, end)});
  }
  check_version(message, {version, end});
  check_uri(message, {uri_begin, static_cast<uint16_t>(version - 1)});
}

void read_status_line(Message& message) {
  const std::string_view line = message.text(message.start_line);
  const size_t space = line.find(' ');
  const uint16_t begin = message.start_line.begin;
  if (space == std::string_view::npos) return note(message, Fault::start_line_malformed);
  check_version(message, {begin, static_cast<uint16_t>(begin + space)});
  const std::string_view code = line.substr(space + 1, 4);
  if (code.size() < 4 || !all(code.substr(0, 3), digit_char) || code[3] != ' ' || code[0] < '1' || code[0] > '6') {
    return note(message, Fault::status_code_invalid);
  }
  message.status = static_cast<uint16_t>((code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0'));
  Cursor reason(message.bytes, {static_cast<uint16_t>(begin + space + 5), message.start_line.end});
  reason.run<reason_char>();
  if (!reason.done()) note(message, Fault::start_line_malformed);
}

}  // namespace

void read_start_line(Message& message, uint16_t begin, uint16_t next, uint16_t token_end) {
  message.kind = message.bytes[token_end] == '/' ? Kind::response : Kind::request;
  message.first_row = next;
  const char* base = message.bytes.data();
  uint16_t end = next;
  if (next - token_end >= 2 && memcmp(base + next - 2, "\r\n", 2) == 0) [[likely]] {
    end = static_cast<uint16_t>(next - 2);
  } else if (end > token_end && (base[end - 1] == '\n' || base[end - 1] == '\r')) {
    --end;
  }
  message.start_line = {begin, end};
  if (message.is_request()) {
    read_request_line(message, token_end);
  } else {
    read_status_line(message);
  }
  if (message.fault == Fault::none) [[likely]]
    return;
  // Perhaps the row is longer than a line: there was white space where the first header should be.
  const std::string_view line = message.text(message.start_line);
  const size_t feed = line.find('\n');
  if (feed == std::string_view::npos) return;
  message.fault = Fault::fold_before_header;
  const bool paired = feed != 0 && line[feed - 1] == '\r';
  message.start_line.end = static_cast<uint16_t>(begin + feed - (paired ? 1 : 0));
}

}  // namespace viaduct::sip
