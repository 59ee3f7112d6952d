#include "control/backends_report.h"

#include <algorithm>

#include "control/counterparts.h"
#include "control/words.h"
#include "fmt/format.h"
#include "nlohmann/json.hpp"

namespace viaduct::control {
namespace {

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
  const config::BackendState state = row->configured_state;
  if (counterpart(state) != backend.state) text = fmt::format("state {}", text_of(state));
  if (row->configured_weight != backend.weight) {
    text += fmt::format("{}weight {}", text.empty() ? "" : ", ", row->configured_weight);
  }
  return text;
}

Cluster::Traffic traffic_of(const Status& status, size_t index) {
  if (index < status.traffic.size()) return status.traffic[index];
  Cluster::Traffic traffic;
  if (index >= telemetry::backend_count_max) return traffic;
  for (const Status::Worker& worker : status.workers) {
    traffic.requests += worker.counters->backend_requests[index].value();
    traffic.responses += worker.counters->backend_responses[index].value();
  }
  return traffic;
}

Report backends_report(const Status& status, Arguments) {
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
      const bool was_reset = index < status.traffic_since_reset.size();
      const Cluster::Traffic since_reset = was_reset ? status.traffic_since_reset[index] : traffic;
      rows.push_back({{"pool", pool.name},
                      {"backend", backend.name},
                      {"address", net::to_string(backend.address)},
                      {"state", backend.departing ? "departing" : text_of(counterpart(backend.state))},
                      {"healthy", backend.healthy},
                      {"weight", backend.weight},
                      {"share_percent", 100.0 * slots[i] / steer::table_slots},
                      {"warm_percent", 100.0 * backend.part / steer::whole},
                      {"requests", traffic.requests},
                      {"responses", traffic.responses},
                      {"configured", configured(row_of(status, pool, backend), backend)},
                      {"requests_since_reset", since_reset.requests},
                      {"responses_since_reset", since_reset.responses}});
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

Report health_report(const Status& status, Arguments) {
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
                    {"last_ms", probe.last_ms > 0 ? Report(probe.last_ms) : Report()},
                    {"probes", probe.probes},
                    {"failed", probe.failed},
                    {"hints", probe.hints}});
  }
  return {{"health", std::move(rows)}};
}

constexpr Column backend_columns[]{
    {"pool", Kind::text, "its pool", true},
    {"backend", Kind::text, "its name", true},
    {"address", Kind::text, "where requests go"},
    {"state", Kind::text, "what is wanted of it: up, drain or down; departing: no longer in the file"},
    {"healthy", Kind::flag, "what probes say; yes where there are none"},
    {"weight", Kind::number, "its weight among the pool's"},
    {"share_percent", Kind::real, "its share of the pool's slots, which is that of new calls, in percent"},
    {"warm_percent", Kind::real, "how far its slow start is, in percent"},
    {"requests", Kind::counter, "requests forwarded to it"},
    {"responses", Kind::counter, "responses forwarded from it"},
    {"configured", Kind::text, "what the file says, where something else is in force"},
    {"requests_since_reset", Kind::number, "requests since the last reset"},
    {"responses_since_reset", Kind::number, "responses since the last reset"},
};
constexpr Column trouble_columns[]{
    {"name", Kind::text, "a backend's name that cannot be looked up", true},
    {"failed_lookups", Kind::number, "so many times in a row"},
    {"problem", Kind::text, "what the name servers say"},
    {"in_force", Kind::text, "the last answer, or nothing"},
};
constexpr Table backend_tables[]{
    {"backends", Shape::rows, "every backend of every pool", backend_columns},
    {"names", Shape::rows, "backends' names in trouble", trouble_columns, true},
};
constexpr Column health_columns[]{
    {"pool", Kind::text, "its pool", true},
    {"backend", Kind::text, "its name", true},
    {"address", Kind::text, "where it is probed"},
    {"probed", Kind::flag, "whether probes are sent"},
    {"health", Kind::text, "up or down"},
    {"since", Kind::text, "since when, in the machine's time zone"},
    {"against", Kind::text, "probes in a row that contradict its health, and how many would turn it"},
    {"last", Kind::text, "the last probe: a status code, or what went wrong"},
    {"last_ms", Kind::real, "how long the last answer took, in ms"},
    {"probes", Kind::counter, "probes sent"},
    {"failed", Kind::counter, "probes that failed"},
    {"hints", Kind::counter, "probes sent early, for ICMP errors and silence"},
};
constexpr Table health_tables[]{{"health", Shape::rows, "probes of every backend", health_columns}};

}  // namespace

constinit const Command backends_command{
    "backends", "state, share of new calls, requests and responses of every backend", backend_tables, backends_report};
constinit const Command health_command{"health", "what probes say about every backend", health_tables, health_report};

}  // namespace viaduct::control
