// How a reflector's answer reads, and where it goes.
#include <algorithm>
#include <optional>

#include "blast/uas.h"

namespace viaduct::blast {
namespace {

constexpr uint16_t default_port = 5060;
constexpr std::string_view default_expires = "3600";

struct Phrase {
  uint16_t status;
  std::string_view text;
};
constexpr Phrase phrases[] = {
    {200, "OK"},
    {100, "Trying"},
    {180, "Ringing"},
    {183, "Session Progress"},
    {302, "Moved Temporarily"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {408, "Request Timeout"},
    {480, "Temporarily Unavailable"},
    {481, "Call/Transaction Does Not Exist"},
    {486, "Busy Here"},
    {487, "Request Terminated"},
    {500, "Server Internal Error"},
    {503, "Service Unavailable"},
    {600, "Busy Everywhere"},
    {603, "Decline"},
};

std::string_view phrase_of(uint16_t status) {
  for (const Phrase& phrase : phrases) {
    if (phrase.status == status) return phrase.text;
  }
  return "As Ordered";
}

constexpr std::string_view session =
    "v=0\r\no=viablast 2 2 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n";

void write_rows(std::string_view name, const Rows& rows, TextWriter& out) {
  for (const std::string_view row : rows) out.add(name, row, eol);
}

// Host and port, as they stand.
std::string_view sent_by_of(std::string_view via) {
  const size_t blank = via.find_first_of(" \t");
  if (blank == std::string_view::npos) return {};
  std::string_view sent_by = via.substr(blank + 1);
  sent_by = sent_by.substr(0, sent_by.find(';'));
  return sent_by.substr(std::min(sent_by.find_first_not_of(" \t"), sent_by.size()));
}

// That of a sent-by, whose host may be a name.
uint16_t port_of(std::string_view sent_by) {
  const size_t colon = sent_by.rfind(':');
  if (colon == std::string_view::npos || sent_by.find(']', colon) != std::string_view::npos) return default_port;
  uint32_t port = 0;
  for (const char c : sent_by.substr(colon + 1)) {
    if (c < '0' || c > '9' || port > UINT16_MAX) break;
    port = port * 10 + static_cast<uint32_t>(c - '0');
  }
  return port > 0 && port <= UINT16_MAX ? static_cast<uint16_t>(port) : default_port;
}

// The rows, and in the first value what the sender cannot know: where its request really came from.
void write_vias(const Rows& vias, const TopVia& top, TextWriter& out) {
  out.add("Via: ");
  if (top.rport_at != 0) {
    out.add(top.value.substr(0, top.rport_at), top.value[top.rport_at - 1] == '=' ? "" : "=");
    out.add_number(top.source.port);
    out.add(top.value.substr(top.rport_at));
  } else {
    out.add(top.value);
  }
  if (top.is_received) {
    char text[net::ip_text_bytes_max];
    out.add(";received=", std::string_view(text, net::format_ip(top.source.address, text)));
  }
  if (!top.rest.empty()) out.add(",", top.rest);
  out.add(eol);
  for (size_t i = 1; i < vias.size(); ++i) out.add("Via: ", vias[i], eol);
}

// What is registered now, value by value: nothing where that was to be undone.
void write_bindings(const Head& request, TextWriter& out) {
  for (std::string_view row = request.contact; !row.empty();) {
    const std::string_view contact = take_value(row);
    const std::optional<std::string_view> own = param_of(contact, "expires");
    const std::string_view expires = own ? *own : request.expires.empty() ? default_expires : request.expires;
    if (contact.empty() || contact == "*" || expires == "0") continue;
    out.add("Contact: ", contact);
    if (!own) out.add(";expires=", expires);
    out.add(eol);
  }
}

}  // namespace

void write_answer(const Head& request, const Answer& answer, TextWriter& out) {
  const bool invite = answer.method == "INVITE";
  const bool success = answer.status >= 200 && answer.status < 300;
  const bool makes_dialog = invite && answer.status > 100 && answer.status < 300;
  out.add("SIP/2.0 ");
  out.add_number(answer.status);
  out.add(" ", phrase_of(answer.status), eol);
  write_vias(request.vias, answer.via, out);
  if (makes_dialog) write_rows("Record-Route: ", request.record_routes, out);
  out.add("From: ", request.from, "\r\nTo: ", request.to);
  if (answer.status > 100 && tag_of(request.to).empty()) out.add(";tag=", answer.tag);
  out.add("\r\nCall-ID: ", request.call_id, "\r\nCSeq: ", request.cseq_number, " ", answer.method, eol);
  if (makes_dialog) out.add("Contact: <sip:", answer.contact, ">\r\n");
  if (success && answer.method == "REGISTER") write_bindings(request, out);
  if (invite && success) {
    out.add("Content-Type: application/sdp\r\nContent-Length: ");
    out.add_number(session.size());
    out.add("\r\n\r\n", session);
  } else {
    out.add("Content-Length: 0\r\n\r\n");
  }
}

TopVia read_top_via(std::string_view row, const net::Endpoint& source) {
  TopVia top;
  top.source = top.destination = source;
  top.value = take_value(row), top.rest = row;
  const std::optional<std::string_view> rport = param_of(top.value, "rport");
  if (rport && rport->empty()) top.rport_at = static_cast<size_t>(rport->data() - top.value.data());
  // Most name the place that they are sent from, which is a comparison; the rest is parsed.
  const std::string_view sent_by = sent_by_of(top.value);
  char text[net::endpoint_text_bytes_max];
  const bool exact = sent_by == std::string_view(text, net::format_endpoint(source, text));
  if (exact && top.rport_at == 0) return top;
  const auto said = net::parse_endpoint(sent_by, default_port);
  top.is_received = (top.rport_at != 0 || !said || said->address != source.address) && !param_of(top.value, "received");
  if (!rport) top.destination.port = port_of(sent_by);
  return top;
}

}  // namespace viaduct::blast
