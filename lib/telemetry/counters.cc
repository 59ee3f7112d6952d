#include "telemetry/counters.h"

#include <fmt/format.h>

namespace viaduct::telemetry {

Ledger& Ledger::operator+=(const Ledger& other) {
  received += other.received;
  generated += other.generated;
  handed_in += other.handed_in;
  forwarded += other.forwarded;
  replied += other.replied;
  absorbed += other.absorbed;
  punted += other.punted;
  dropped += other.dropped;
  handed_out += other.handed_out;
  return *this;
}

Ledger ledger_of(const WorkerCounters& counters) {
  Ledger ledger;
  ledger.received = counters.received.value();
  ledger.generated = counters.generated.value();
  ledger.handed_in = counters.handed_in.value();
  ledger.forwarded = counters.forwarded.value();
  ledger.handed_out = counters.handed_out.value();
  for (size_t reason = 0; reason < reason_count; ++reason) {
    const uint64_t messages = counters.by_reason[reason].value();
    switch (reason_texts[reason].term) {
      case LedgerTerm::dropped: ledger.dropped += messages; break;
      case LedgerTerm::absorbed: ledger.absorbed += messages; break;
      case LedgerTerm::replied: ledger.replied += messages; break;
      case LedgerTerm::punted: ledger.punted += messages; break;
    }
  }
  return ledger;
}

std::string to_string(const Ledger& ledger) {
  return fmt::format(
      "{} received + {} generated + {} handed in {} {} forwarded + {} replied + {} absorbed + {} punted + {} dropped + "
      "{} "
      "handed out",
      ledger.received, ledger.generated, ledger.handed_in, ledger.closes() ? "=" : "!=", ledger.forwarded,
      ledger.replied, ledger.absorbed, ledger.punted, ledger.dropped, ledger.handed_out);
}

}  // namespace viaduct::telemetry
