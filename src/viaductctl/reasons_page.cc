#include "fmt/format.h"
#include "manual_pages.h"
#include "sip/deviation.h"
#include "sip/fault.h"
#include "telemetry/reason.h"

namespace viaduct::ctl {
namespace {

constexpr std::string_view intro = R"(# Reasons, faults and deviations

A message that is not forwarded has exactly one reason: in `viaductctl drops` and `explain`, as the label `reason` of
`viaduct_unforwarded_messages_total`, as `reason=` in a capture's filter. `booked` is the term of the ledger that
counts it: dropped (nothing was sent), absorbed (meant for us, and no answer is due), replied (we answered, and the
reason says why it was not forwarded), punted (the kernel's).

## Reasons

| reason | booked | a message that is | clause |
|---|---|---|---|
)";

constexpr std::string_view faults_intro = R"(
## Faults

What can be wrong with a message's syntax. A request is answered so, under the reason `malformed_request`; a response
is dropped as `malformed_response`. `explain` and captures name the fault.

| fault | answer | clause |
|---|---|---|
)";

constexpr std::string_view deviations_intro = R"(
## Deviations

What peers do that the standard does not allow, whether it is tolerated or refused: in `viaductctl deviations`, and as
`deviation = [...]` in a `[[rule]]`.

| deviation | section | |
|---|---|---|
)";

}  // namespace

std::string reasons_page() {
  constexpr std::string_view terms[] = {"dropped", "absorbed", "replied", "punted"};
  std::string out(made_by);
  out += intro;
  for (const telemetry::ReasonText& reason : telemetry::reason_texts) {
    out += fmt::format("| `{}` | {} | {} | {} |\n", reason.name, terms[static_cast<size_t>(reason.term)],
                       cell_text(reason.sentence), reason.clause);
  }
  out += faults_intro;
  for (size_t i = 1; i < sip::fault_count; ++i) {
    const sip::FaultText& fault = sip::text_of(static_cast<sip::Fault>(i));
    out += fmt::format("| `{}` | {} {} | {} |\n", fault.name, fault.status, fault.reason_phrase, fault.clause);
  }
  out += deviations_intro;
  for (size_t i = 0; i < sip::deviation_count; ++i) {
    const sip::DeviationText& deviation = sip::text_of(static_cast<sip::Deviation>(i));
    const size_t dash = deviation.section.find('-');
    out += fmt::format("| `{}` | RFC {} section {} | {} |\n", deviation.name, deviation.section.substr(0, dash),
                       deviation.section.substr(dash + 1), cell_text(deviation.sentence));
  }
  return out;
}

}  // namespace viaduct::ctl
