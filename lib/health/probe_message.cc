#include "health/probe_message.h"

#include <charconv>
#include <memory>

#include "core/number.h"
#include "sip/message.h"

namespace viaduct::health {
namespace {

constexpr std::string_view cookie = "z9hG4bKvh";  // the magic cookie of RFC 3261 section 8.1.1.7, and a mark of ours
constexpr int hex = 16;
constexpr size_t digits = 16;
constexpr uint16_t first_final_status = 200;

std::string hex_text(uint64_t number) {
  char text[digits];
  const auto end = std::to_chars(text, text + sizeof text, number, hex).ptr;
  return std::string(digits - static_cast<size_t>(end - text), '0').append(text, end);
}

std::optional<Ticket> parse_ticket(std::string_view text) {
  if (text.size() != 2 * digits) return std::nullopt;
  const auto number = core::whole_number<uint64_t>(text.substr(0, digits), hex);
  const auto secret = core::whole_number<uint64_t>(text.substr(digits), hex);
  if (!number || !secret) return std::nullopt;
  return Ticket{*number, *secret};
}

}  // namespace

std::string probe_text(const Question& question, const Ticket& ticket) {
  const std::string token = hex_text(ticket.number) + hex_text(ticket.secret);
  const std::string ours = "sip:viaduct@" + question.local;
  const std::string backend = "sip:" + question.backend;
  std::string text;
  text += question.method + ' ' + backend + " SIP/2.0\r\n";
  text += "Via: SIP/2.0/UDP " + question.local + ";rport;branch=" + std::string(cookie) + token + "\r\n";
  text += "Max-Forwards: " + std::to_string(question.max_forwards) + "\r\n";
  text += "From: <" + (question.from.empty() ? ours : question.from) + ">;tag=" + hex_text(ticket.secret) + "\r\n";
  text += "To: <" + (question.to.empty() ? backend : question.to) + ">\r\n";
  text += "Call-ID: " + token + "\r\n";
  text += "CSeq: 1 " + question.method + "\r\n";
  text += "Contact: <" + ours + ">\r\n";
  text += "Accept: application/sdp\r\n";
  text += "User-Agent: viaduct\r\n";
  text += "Content-Length: 0\r\n\r\n";
  return text;
}

std::optional<Answer> read_answer(std::string_view datagram) {
  // Several kilobytes, of which the caller's stack need not know.
  const auto message = std::make_unique<sip::Message>();
  if (sip::parse(datagram, *message) != sip::Datagram::sip || message->is_request()) return std::nullopt;
  if (message->status < first_final_status || message->via_count != 1) return std::nullopt;
  const std::string_view branch = message->text(message->via[0].branch);
  if (!branch.starts_with(cookie)) return std::nullopt;
  const std::string_view token = branch.substr(cookie.size());
  const auto ticket = parse_ticket(token);
  if (!ticket || message->text(message->call_id) != token) return std::nullopt;
  return Answer{*ticket, message->status};
}

}  // namespace viaduct::health
