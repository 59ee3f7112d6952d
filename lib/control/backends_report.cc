#include "control/backends_report.h"

#include <algorithm>
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

std::string_view text_of(proxy::OperatorState state) {
  switch (state) {
    case proxy::OperatorState::up:
      return "up";
    case proxy::OperatorState::drain:
      return "drain";
    case proxy::OperatorState::down:
      return "down";
  }
  return "";
}

const Cluster::Row* row_of(const Status& status, const proxy::Pool& pool, const proxy::Backend& backend) {
  const auto found = std::find_if(status.backends.begin(), status.backends.end(), [&](const Cluster::Row& row) {
    return row.pool == pool.name && row.backend == backend.name;
  });
  return found == status.backends.end() ? nullptr : &*found;
}

// What the file says where something else is in force: `state up, weight 100`.
std::string configured(const Cluster::Row* row, const proxy::Backend& backend) {
  if (row == nullptr) return "";
  std::string text;
  const auto state = static_cast<proxy::OperatorState>(static_cast<uint8_t>(row->configured_state));
  if (state != backend.state) text = fmt::format("state {}", text_of(state));
  if (row->configured_weight != backend.weight) {
    text += fmt::format("{}weight {}", text.empty() ? "" : ", ", row->configured_weight);
  }
  return text;
}

Cluster::Traffic traffic_of(const Status& status, size_t index) {
  if (index < status.traffic.size()) return status.traffic[index];
  Cluster::Traffic traffic;
  for (const Status::Worker& worker : status.workers) {
    traffic.requests += worker.counters->backend_requests[index].value();
    traffic.responses += worker.counters->backend_responses[index].value();
  }
  return traffic;
}

}  // namespace

Report backends_report(const Status& status) {
  Report rows = Report::array();
  if (status.view == nullptr) return {{"backends", std::move(rows)}};
  const proxy::View& view = *status.view->proxy;
  for (const proxy::Pool& pool : view.pools) {
    std::vector<uint32_t> slots(pool.backend_count, 0);
    for (const uint16_t member : pool.overlay.slots()) {
      if (member < slots.size()) ++slots[member];
    }
    for (uint16_t i = 0; i < pool.backend_count; ++i) {
      const size_t index = size_t{pool.first_backend} + i;
      const proxy::Backend& backend = view.backends[index];
      const Cluster::Traffic traffic = traffic_of(status, index);
      rows.push_back({{"pool", pool.name},
                      {"backend", backend.name},
                      {"address", net::to_string(backend.address)},
                      {"state", backend.departing ? "departing" : text_of(backend.state)},
                      {"healthy", backend.healthy},
                      {"weight", backend.weight},
                      {"share_percent", 100.0 * slots[i] / steer::table_slots},
                      {"warm_percent", 100.0 * backend.part / steer::whole},
                      {"requests", traffic.requests},
                      {"responses", traffic.responses},
                      {"configured", configured(row_of(status, pool, backend), backend)}});
    }
  }
  Report report = {{"backends", std::move(rows)}};
  Report troubles = Report::array();
  for (const BackendNames::Entry& entry : status.backend_names) {
    if (entry.problem.empty()) continue;
    troubles.push_back({{"name", entry.name},
                        {"failed_lookups", entry.failures},
                        {"problem", entry.problem},
                        {"in_force", entry.known ? "the last answer" : "nothing"}});
  }
  if (!troubles.empty()) report["names"] = std::move(troubles);
  return report;
}

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
