// The start line is read strictly: single spaces, nothing before or after. RFC 4475 sections 3.1.2.7 to 3.1.2.11 would
// also let us repair it, but then every backend must repair it the same way.
#include "sip/start_line.h"

#include "sip/cursor.h"
#include "sip/faulty.h"
#include "sip/method.h"

namespace viaduct::sip {
namespace {

constexpr size_t version_bytes = 7;  // "SIP/2.0"

enum class Version { ours, other, none };

// SIP-Version = "SIP" "/" 1*DIGIT "." 1*DIGIT, any case; we speak 2.0.
Version version_of(std::string_view text) {
  if (text.size() < version_bytes || !equals_ignoring_case(text.substr(0, 4), "sip/")) return Version::none;
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
      if (message.text(text) != "SIP/2.0") message.deviations.note(Deviation::version_case);
      break;
    case Version::other:
      note(message, Fault::version_unsupported);
      break;
    case Version::none:
      note(message, Fault::start_line_malformed);
      break;
  }
}

void check_uri(Message& message, Slice text) {
  const std::string_view uri = message.text(text);
  if (uri.empty()) return note(message, Fault::start_line_malformed);
  const bool well_formed = parse_uri(message.bytes, text, message.request_uri);
  // Headers in a Request-URI (RFC 3261 table 1) must never become headers of a request (RFC 4475 section 3.1.2.11).
  if (!well_formed || !message.request_uri.headers.empty()) note(message, Fault::request_uri_malformed);
  if (message.request_uri.scheme == Scheme::sips) message.deviations.note(Deviation::sips_over_udp);
  if (!well_formed && looks_like_bare_ipv6(uri)) message.deviations.note(Deviation::ipv6_without_brackets);
}

}  // namespace

bool is_status_line(std::string_view line) { return equals_ignoring_case(line.substr(0, 4), "sip/"); }

void read_request_line(Message& message, uint16_t method_end) {
  message.kind = Kind::request;
  message.method_text = {message.start_line.begin, method_end};
  message.method = method_of(message.text(message.method_text));
  if (message.method == Method::other && is_known_method_in_other_case(message.text(message.method_text))) {
    message.deviations.note(Deviation::method_lower_case);
  }
  // The URI is what stands between the first and the last space.
  const std::string_view rest = message.text({method_end, message.start_line.end});
  const size_t last_space = rest.rfind(' ');
  if (rest.empty() || rest[0] != ' ' || last_space == 0) {
    note(message, Fault::start_line_malformed);
    if (rest.size() > 1 && rest[0] == ' ') {  // no version: read the URI all the same
      parse_uri(message.bytes, {static_cast<uint16_t>(method_end + 1), message.start_line.end}, message.request_uri);
    }
    return;
  }
  const auto uri_begin = static_cast<uint16_t>(method_end + 1);
  const auto uri_end = static_cast<uint16_t>(method_end + last_space);
  const std::string_view between = message.text({uri_begin, uri_end});
  if (between.find_first_of(" \t") != std::string_view::npos || uri_end + 1 == message.start_line.end) {
    message.deviations.note(Deviation::request_line_spaces);
    note(message, Fault::start_line_malformed);
  }
  check_version(message, {static_cast<uint16_t>(uri_end + 1), message.start_line.end});
  check_uri(message, {uri_begin, uri_end});
}

void read_status_line(Message& message) {
  message.kind = Kind::response;
  const std::string_view line = message.text(message.start_line);
  const size_t space = line.find(' ');
  const uint16_t begin = message.start_line.begin;
  if (space == std::string_view::npos) {
    note(message, Fault::start_line_malformed);
    return;
  }
  check_version(message, {begin, static_cast<uint16_t>(begin + space)});
  const std::string_view code = line.substr(space + 1, 4);
  if (code.size() < 4 || !all(code.substr(0, 3), digit_char) || code[3] != ' ' || code[0] < '1' || code[0] > '6') {
    note(message, Fault::status_code_invalid);
    return;
  }
  message.status = static_cast<uint16_t>((code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0'));
  if (!all(line.substr(space + 5), reason_char)) note(message, Fault::start_line_malformed);
}

}  // namespace viaduct::sip
