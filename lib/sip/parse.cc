// A datagram becomes a Message: tell what it is, scan its rows, read those a proxy decision needs, find the body.
#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "core/kernel_list.h"
#include "sip/faulty.h"
#include "sip/header_reader.h"
#include "sip/octets16.h"
#include "sip/plain_rows.h"
#include "sip/plain_start.h"
#include "sip/scan.h"
#include "sip/start_line.h"

namespace viaduct::sip {
namespace {

constexpr size_t offset_max = 65535;
constexpr size_t plain_bytes_least = 64;
constexpr size_t keepalive_bytes_max = 4;  // conformance rule PAR-18

// Everything but the contents of the arrays, which the counts guard. In whole vectors, the last of which overlaps the
// one before it: one store a field is four times as many.
void clear(Message& message, std::string_view datagram) {
  static_assert(std::is_standard_layout_v<Message> && std::is_trivially_copyable_v<Message>);
  constexpr size_t begin = offsetof(Message, fault), end = offsetof(Message, via);
  message.bytes = datagram;
  char* const octets = reinterpret_cast<char*>(&message);
  __m128i zero = _mm_setzero_si128();
  asm("" : "+x"(zero));  // else GCC knows better, REP STOS, which takes longer than the rest of the start
  const auto clear16 = [octets, zero](size_t at) { _mm_storeu_si128(reinterpret_cast<__m128i*>(octets + at), zero); };
#pragma GCC unroll 16
  for (size_t at = begin; at + octets16 <= end; at += octets16) clear16(at);
  clear16(end - octets16);
}

// By the first octets. `start`: where a SIP message begins, leading line ends skipped.
Datagram classify(std::string_view datagram, size_t& start) {
  start = 0;
  if (datagram.size() <= keepalive_bytes_max) return Datagram::keepalive;
  const auto first = static_cast<uint8_t>(datagram[0]);
  if (first <= 0x01) return Datagram::stun;     // RFC 5626 section 8
  if (first >= 0xf8) return Datagram::sigcomp;  // RFC 3320 section 7
  if (first > ' ') [[likely]]
    return Datagram::sip;
  while (datagram.size() - start >= 2 && datagram[start] == '\r' && datagram[start + 1] == '\n') start += 2;
  if (datagram.find_first_not_of("\r\n", start) == std::string_view::npos) return Datagram::keepalive;
  return start < offset_max ? Datagram::sip : Datagram::not_sip;
}

// NUL is legal as the second octet of a quoted-pair, and nowhere else in the headers (PAR-25).
void check_nul(Message& message, std::string_view headers) {
  size_t backslashes = 0;
  for (char c : headers) {
    if (c == '\0' && backslashes % 2 == 0) return note(message, Fault::nul_octet);
    backslashes = c == '\\' ? backslashes + 1 : 0;
  }
}

void find_body(Message& message, const Scan& scan, uint16_t size) {
  message.headers_end = static_cast<uint16_t>(scan.headers_end);
  message.body = message.end = size;
  if (!scan.ended) return note(message, Fault::headers_unterminated);
  const bool paired = size - message.headers_end >= 2 && memcmp(&message.bytes[message.headers_end], "\r\n", 2) == 0;
  message.body = static_cast<uint16_t>(message.headers_end + (paired ? 2 : 1));
  if (!message.has_content_length) return;
  const auto available = static_cast<uint32_t>(size - message.body);
  if (message.content_length > available) {
    message.deviations.note(Deviation::content_length_short);
    return note(message, Fault::body_truncated);
  }
  if (message.content_length < available) message.deviations.note(Deviation::content_length_excess);
  message.end = static_cast<uint16_t>(message.body + message.content_length);
}

// Nearly every message. False if it is not as plain as that: then nothing has been noted of it.
[[gnu::always_inline]] inline bool parse_plain(const ScanKernel& kernel, Message& message) {
  const std::string_view text = message.bytes;
  if (text.size() < plain_bytes_least || text.size() > offset_max) [[unlikely]]
    return false;
  const char* const base = text.data();
  const auto token = static_cast<uint16_t>(outside(usual::name, load16(base)));
  const bool is_request = base[token] == ' ' && token != 0;
  if (!is_request && memcmp(base, "SIP/2.0 ", 8) != 0) return false;
  Scan scan;
  PlainRows rows;
  if (!kernel.scan_plain(text, scan) || !list_plain_rows(message, scan, rows)) [[unlikely]]
    return false;
  if (!read_plain_start(message, last_look(text), token, scan.begin[1])) [[unlikely]] {
    read_start_line(message, 0, scan.begin[1], token);
  }
  const bool routes_well_formed = PlainReader(message, rows).read();
  check_headers(message, routes_well_formed);
  find_body(message, scan, static_cast<uint16_t>(text.size()));
  return true;
}

// Any message.
[[gnu::noinline]] Datagram parse_any(const ScanKernel& kernel, Message& message) {
  const std::string_view datagram = message.bytes;
  size_t start = 0;
  const Datagram kind = classify(datagram, start);
  if (kind != Datagram::sip) return kind;
  const std::string_view text = datagram.substr(0, offset_max);
  const char* end = text.data() + text.size();
  const auto token_end = static_cast<size_t>(skip16<token_char>(text.data() + start, end, end) - text.data());
  if (token_end == start || token_end == text.size()) return Datagram::not_sip;
  const bool is_response =
      text[token_end] == '/' && token_end - start == 3 && name_key(text.data() + start, 3, end) == key_of("sip");
  if (text[token_end] != ' ' && !is_response) return Datagram::not_sip;
  Scan scan;
  kernel.scan(text, start, scan);
  if (scan.rows == 1 && !scan.ended && text.find('\n', start) == std::string_view::npos) return Datagram::not_sip;

  if (datagram.size() > offset_max) [[unlikely]]
    note(message, Fault::message_too_large);
  if (start != 0) message.deviations.note(Deviation::leading_crlf);
  read_start_line(message, static_cast<uint16_t>(start), scan.begin[1], static_cast<uint16_t>(token_end));
  if (scan.bare) [[unlikely]] {
    message.deviations.note(Deviation::bare_line_end);
    note(message, Fault::bare_line_end);
  }
  read_rows(message, scan);
  if (scan.nul) [[unlikely]]
    check_nul(message, text.substr(start, scan.headers_end - start));
  check_headers(message);
  find_body(message, scan, static_cast<uint16_t>(text.size()));
  return Datagram::sip;
}

constinit core::KernelInUse<ScanKernel> kernel_in_use(active_scan_kernel);

}  // namespace

Datagram parse_with(const ScanKernel& kernel, std::string_view datagram, Message& message) {
  clear(message, datagram);
  return parse_plain(kernel, message) ? Datagram::sip : parse_any(kernel, message);
}

Datagram parse(std::string_view datagram, Message& message) {
  return parse_with(kernel_in_use.get(), datagram, message);
}

}  // namespace viaduct::sip
