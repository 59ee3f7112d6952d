// What can be asked about a message that may be captured: what it says, where it came from, what became of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "net/address.h"
#include "sip/message.h"
#include "telemetry/reason.h"

namespace viaduct::capture {

// As `explain` calls them; `punt`: left to the kernel.
enum class Verdict : uint8_t { forward, reply, absorb, drop, punt };
inline constexpr std::string_view verdict_names[] = {"forward", "reply", "absorb", "drop", "punt"};
constexpr std::string_view text_of(Verdict verdict) { return verdict_names[static_cast<size_t>(verdict)]; }

// That of what ends for `reason`.
constexpr Verdict verdict_of(telemetry::Reason reason) {
  switch (telemetry::text_of(reason).term) {
    case telemetry::LedgerTerm::dropped: return Verdict::drop;
    case telemetry::LedgerTerm::absorbed: return Verdict::absorb;
    case telemetry::LedgerTerm::replied: return Verdict::reply;
    case telemetry::LedgerTerm::punted: return Verdict::punt;
  }
  return Verdict::drop;
}

struct Seen {
  std::string_view datagram;              // as it came
  const sip::Message* message = nullptr;  // nullptr: it was not read, or is no SIP message
  net::Endpoint source, destination;      // of the datagram as it came
  net::Endpoint sent_to;                  // where it, or the answer, leaves for; all zero: it does not
  Verdict verdict = Verdict::forward;
  std::optional<telemetry::Reason> reason;  // why it was not forwarded
  uint16_t status = 0;                      // of the answer that we give, or of the response that it is
  std::string_view pool, backend, rule;     // empty: none had a part in it
  uint16_t worker = 0;
};

}  // namespace viaduct::capture
