#include "control/captures_report.h"

#include "control/status.h"
#include "core/clock.h"
#include "nlohmann/json.hpp"

namespace viaduct::control {
namespace {

Report captures_report(const Status& status, Arguments) {
  Report who = Report::array(), workers = Report::array();
  if (status.captures != nullptr) {
    for (const Captures::Row& row : status.captures->rows(core::SteadyClock().now())) {
      who.push_back({{"who", row.who},
                     {"filter", row.filter},
                     {"sample", row.sample},
                     {"drops_only", row.drops_only},
                     {"seconds", row.age.count()},
                     {"written", row.written},
                     {"missed", row.missed}});
    }
    for (const dataplane::Tap* tap : status.captures->workers()) {
      workers.push_back({{"worker", workers.size()},
                         {"copied", tap->copied.value()},
                         {"lost", tap->lost.value()},
                         {"skipped", tap->skipped.value()}});
    }
  }
  return {{"captures", std::move(who)}, {"workers", std::move(workers)}};
}

constexpr Column capture_columns[]{
    {"who", Kind::text, "a client of the control socket, or the HEP collector"},
    {"filter", Kind::text, "what it wants; empty: everything"},
    {"sample", Kind::number, "of one call in so many"},
    {"drops_only", Kind::flag, "only what is dropped"},
    {"seconds", Kind::number, "since when"},
    {"written", Kind::number, "copies that it got"},
    {"missed", Kind::number, "copies that it was too slow for"},
};
constexpr Column tap_columns[]{
    {"worker", Kind::number, "which one", true},
    {"copied", Kind::counter, "messages that it has copied, as they came and as they left"},
    {"lost", Kind::counter, "copies left out because its ring was full"},
    {"skipped", Kind::counter, "packets that it did not look at for captures because it was flooded"},
};
constexpr Table capture_tables[]{
    {"captures", Shape::rows, "who gets copies of messages now", capture_columns},
    {"workers", Shape::rows, "what workers have copied", tap_columns},
};

}  // namespace

constinit const Command captures_command{"captures", "who captures, and what was missed", capture_tables,
                                         captures_report};

}  // namespace viaduct::control
