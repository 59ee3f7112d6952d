// How a reflector's answer reads, and where it goes.
#include "blast/uas.h"

namespace viaduct::blast {
namespace {

constexpr uint16_t default_port = 5060;

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

}  // namespace

void write_answer(const Head& request, const Answer& answer, TextWriter& out) {
  const bool invite = answer.method == "INVITE";
  const bool success = answer.status >= 200 && answer.status < 300;
  const bool makes_dialog = invite && answer.status > 100 && answer.status < 300;
  out.add("SIP/2.0 ");
  out.add_number(answer.status);
  out.add(" ", phrase_of(answer.status), eol);
  write_rows("Via: ", request.vias, out);
  if (makes_dialog) write_rows("Record-Route: ", request.record_routes, out);
  out.add("From: ", request.from, "\r\nTo: ", request.to);
  if (answer.status > 100 && tag_of(request.to).empty()) out.add(";tag=", answer.tag);
  out.add("\r\nCall-ID: ", request.call_id, "\r\nCSeq: ", request.cseq_number, " ", answer.method, eol);
  if (makes_dialog) out.add("Contact: <sip:", answer.contact, ">\r\n");
  if (success && answer.method == "REGISTER" && !request.contact.empty()) {
    out.add("Contact: ", request.contact, ";expires=3600\r\n");
  }
  if (invite && success) {
    out.add("Content-Type: application/sdp\r\nContent-Length: ");
    out.add_number(session.size());
    out.add("\r\n\r\n", session);
  } else {
    out.add("Content-Length: 0\r\n\r\n");
  }
}

net::Endpoint answer_destination(std::string_view via, const net::Endpoint& source) {
  const std::string_view first = via.substr(0, via.find(','));
  if (first.find(";rport") != std::string_view::npos) return source;
  net::Endpoint destination{source.address, default_port};
  size_t blank = first.find_first_of(" \t");
  if (blank == std::string_view::npos) return destination;
  std::string_view sent_by = first.substr(blank + 1);
  sent_by = sent_by.substr(0, sent_by.find(';'));
  const size_t colon = sent_by.rfind(':');
  if (colon == std::string_view::npos || sent_by.find(']', colon) != std::string_view::npos) return destination;
  uint32_t port = 0;
  for (const char c : sent_by.substr(colon + 1)) {
    if (c < '0' || c > '9') break;
    port = port * 10 + static_cast<uint32_t>(c - '0');
  }
  if (port > 0 && port < 65536) destination.port = static_cast<uint16_t>(port);
  return destination;
}

}  // namespace viaduct::blast
