#include "control/backends_report.h"

#include <ctime>

#include "fmt/format.h"

namespace viaduct::control {
namespace {

// `2026-11-21 05:42:03`, in the machine's own time zone, as in the log.
std::string wall_time(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

}  // namespace

Report health_report(const Status& status) {
  Report rows = Report::array();
  for (const Cluster::Row& row : status.backends) {
    const Prober::Row& probe = row.probe;
    rows.push_back({{"pool", row.pool},
                    {"backend", row.backend},
                    {"address", net::to_string(row.address)},
                    {"probed", row.probed},
                    {"health", row.healthy ? "up" : "down"},
                    {"since", wall_time(row.since)},
                    {"against", row.probed ? fmt::format("{} of {}", probe.against, probe.needed) : ""},
                    {"last", probe.last},
                    {"last_ms", probe.last_ms},
                    {"probes", probe.probes},
                    {"failed", probe.failed},
                    {"hints", probe.hints}});
  }
  return {{"health", std::move(rows)}};
}

Report events_report(const Status& status) {
  Report rows = Report::array();
  if (status.events == nullptr) return {{"events", std::move(rows)}};
  for (const Event& event : status.events->kept()) {
    rows.push_back({{"number", event.number},
                    {"time", wall_time(event.time)},
                    {"kind", event.kind},
                    {"subject", event.subject},
                    {"what", event.what}});
  }
  return {{"events", std::move(rows)}};
}

}  // namespace viaduct::control
