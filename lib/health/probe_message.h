// The question and its answer: a request that any SIP server answers, and whether a datagram is that answer.
//
// Max-Forwards is 1 unless configured: a server takes it, and a probe that strays ends one hop further (LBG-23). The
// branch and the Call-ID bear a number that is unique in this process and bits that nobody outside can guess, so an old
// answer, or a forged one, is not mistaken for this one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace viaduct::health {

struct Question {
  std::string method = "OPTIONS";
  std::string backend;  // `10.78.0.11:5060`, as in a URI
  std::string local;    // our socket, likewise
  std::string from;     // URI; empty: of our socket
  std::string to;       // URI; empty: of the backend
  uint8_t max_forwards = 1;
};

struct Ticket {
  uint64_t number = 0;
  uint64_t secret = 0;
};

std::string probe_text(const Question& question, const Ticket& ticket);

struct Answer {
  Ticket ticket;
  uint16_t status = 0;
};
// Nothing if the datagram is no response to a probe: whether the ticket is one that was given out, and to whom, is for
// the caller to check. Provisional responses answer nothing.
std::optional<Answer> read_answer(std::string_view datagram);

}  // namespace viaduct::health
