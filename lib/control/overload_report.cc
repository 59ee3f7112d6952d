#include "control/overload_report.h"

#include <chrono>
#include <string>

#include "control/ledger_report.h"
#include "control/status.h"
#include "nlohmann/json.hpp"

namespace viaduct::control {
namespace {

using telemetry::Reason;

Report refused_so_far(const Status& status) {
  Report row = Report::object();
  for (const Reason reason :
       {Reason::shed, Reason::shed_for_backend, Reason::shed_silent, Reason::answer_over_budget}) {
    row[std::string(telemetry::text_of(reason).name)] = counted(status, reason);
  }
  return row;
}

Report flooded_workers(const Status& status) {
  Report rows = Report::array();
  for (size_t i = 0; i < status.workers.size(); ++i) {
    const telemetry::WorkerCounters& counters = *status.workers[i].counters;
    rows.push_back({{"worker", i},
                    {"flooded", counters.flooded.value() != 0},
                    {"floods", counters.floods.value()},
                    {"shed_percent", counters.shed_percent.value()},
                    {"optional_skipped", counters.optional_skipped.value()}});
  }
  return rows;
}

// Of the pools that listen to theirs.
Report asking_backends(const Status& status) {
  Report rows = Report::array();
  const auto* const overload = status.view == nullptr ? nullptr : status.view->overload.get();
  if (overload == nullptr || overload->feedback == nullptr) return rows;
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  const auto now_ms = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  const proxy::View& view = *status.view->proxy;
  for (size_t i = 0; i < view.backends.size(); ++i) {
    const proxy::Feedback::Row row = overload->feedback->row(static_cast<uint16_t>(i), now_ms);
    rows.push_back({{"pool", view.pools[view.backends[i].pool].name},
                    {"backend", view.backends[i].name},
                    {"less_percent", row.percent},
                    {"ms_left", row.left_ms},
                    {"reports", row.reports}});
  }
  return rows;
}

Report overload_report(const Status& status, Arguments) {
  return {
      {"refused", refused_so_far(status)}, {"workers", flooded_workers(status)}, {"backends", asking_backends(status)}};
}

constexpr Column refused_columns[]{
    {"shed", Kind::counter, "new work refused with 503, by the operator's share or a flooded worker's"},
    {"shed_for_backend", Kind::counter, "new work refused with 503, because its backend asks for less"},
    {"shed_silent", Kind::counter, "new work refused in silence: its source has had enough answers"},
    {"answer_over_budget", Kind::counter, "other answers that would have been too many for their source"},
};
constexpr Column flooded_columns[]{
    {"worker", Kind::number, "which one", true},
    {"flooded", Kind::flag, "its queue does not run empty: optional work is off"},
    {"floods", Kind::counter, "times that it came to that"},
    {"shed_percent", Kind::number, "percent of new work that it refuses of itself"},
    {"optional_skipped", Kind::counter, "requests that rules which decide nothing were not asked about"},
};
constexpr Column asking_columns[]{
    {"pool", Kind::text, "of the backend", true},
    {"backend", Kind::text, "its name", true},
    {"less_percent", Kind::number, "percent of new work that it does not want now (RFC 7339)"},
    {"ms_left", Kind::number, "for how long yet"},
    {"reports", Kind::counter, "what it has said about it so far, if new"},
};
constexpr Table overload_tables[]{
    {"refused", Shape::object, "what was too much, over all workers", refused_columns},
    {"workers", Shape::rows, "which workers cannot keep up", flooded_columns},
    {"backends", Shape::rows, "backends of pools with feedback = \"loss\"", asking_columns},
};

}  // namespace

constinit const Command overload_command{"overload",
                                         "what is refused because it is too much, and which backends ask for less",
                                         overload_tables, overload_report};

}  // namespace viaduct::control
