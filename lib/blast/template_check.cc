#include "blast/template_check.h"

#include <algorithm>

#include "blast/head.h"
#include "blast/token.h"

namespace viaduct::blast {
namespace {

// Of a header row that has no name, or begins with what no name has; npos: there is none.
size_t ill_row(std::string_view head) {
  for (size_t at = head.find('\n') + 1; at < head.size(); at = head.find('\n', at) + 1) {
    const std::string_view row = head.substr(at, head.find('\r', at) - at);
    if (row.empty()) break;
    const size_t colon = row.find(':');
    const bool folded = row[0] == ' ' || row[0] == '\t';
    if (!folded && (colon == 0 || colon == std::string_view::npos)) return at;
  }
  return std::string_view::npos;
}

}  // namespace

std::string place_in(std::string_view text, size_t at) {
  const std::string_view before = text.substr(0, at);
  const auto line = std::count(before.begin(), before.end(), '\n');
  const size_t column = at - (line == 0 ? 0 : before.rfind('\n') + 1);
  return std::to_string(line + 1) + ":" + std::to_string(column + 1) + ": ";
}

std::optional<std::string> mistake_in(std::string_view message, const Source& source) {
  const size_t head_bytes = message.find("\r\n\r\n") + 4;
  const auto at = [&](std::string_view part) {
    return place_in(message, part.empty() ? 0 : static_cast<size_t>(part.data() - message.data()));
  };
  if (const size_t row = ill_row(message.substr(0, head_bytes)); row != std::string_view::npos) {
    return place_in(message, row) + "a header row is NAME: VALUE";
  }
  Head head;
  const bool readable = read_head(message, head);
  const size_t body_bytes = message.size() - head_bytes;
  if (head.content_length && *head.content_length != body_bytes) {
    return at({}) + "Content-Length is " + std::to_string(*head.content_length) + ", the body has " +
           std::to_string(body_bytes) + " bytes; [len] is as many";
  }
  if (head.repeated) return at({}) + "From, To, Call-ID and CSeq are there more than once; one of each is needed";
  if (!readable || head.is_response()) {
    return at({}) + "it is no SIP request; a request line, Via, From, To, Call-ID and CSeq are needed";
  }
  if (head.method == "ACK") return at(head.method) + "nobody answers an ACK; a request that is answered is needed";
  if (head.cseq_method != head.method) {
    return at(head.cseq_method) + "CSeq is of \"" + std::string(head.cseq_method) + "\", the request of \"" +
           std::string(head.method) + "\"; both are to be the same";
  }
  const std::string_view via = head.vias[0];
  if (!find_token(via)) return at(via) + "the first Via has no ;branch=[branch], by which answers are told";
  const bool returns = via.find(source.sent_by()) != std::string_view::npos || param_of(via, "rport").has_value();
  if (!returns) return at(via) + "answers go where the first Via says: [source] is needed there, or ;rport";
  return std::nullopt;
}

}  // namespace viaduct::blast
