#include "control/workers_report.h"

#include <string>

#include "telemetry/cycles.h"

namespace viaduct::control {
namespace {

using telemetry::WorkerCounters;

double percent(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

// Of the last second, roughly; a worker that has not run that long yet has nothing to say.
Report busy_percent(const WorkerCounters& counters) {
  const uint64_t cycles = counters.window_cycles.value();
  return cycles == 0 ? Report() : Report(percent(counters.window_busy.value(), cycles));
}

// Of one burst in 64: cycles of a message in each stage, and in all.
Report cycles_of(const WorkerCounters& counters, size_t worker) {
  const uint64_t messages = counters.stage_messages.value();
  Report row = {{"worker", worker}, {"sampled", messages}};
  uint64_t total = 0;
  const auto each = [&](uint64_t cycles) { return messages == 0 ? 0 : (cycles + messages / 2) / messages; };
  for (size_t stage = 0; stage < telemetry::stage_count; ++stage) {
    const uint64_t cycles = counters.stage_cycles[stage].value();
    row[std::string(telemetry::stage_names[stage])] = each(cycles);
    total += cycles;
  }
  row["all"] = each(total);
  return row;
}

Report bursts_of(const WorkerCounters& counters, size_t worker) {
  Report row = {{"worker", worker}};
  for (size_t size = 0; size < telemetry::burst_size_count; ++size) {
    row[std::string(telemetry::burst_size_names[size])] = counters.bursts_by_size[size].value();
  }
  return row;
}

}  // namespace

Report workers_report(const Status& status) {
  Report rows = Report::array(), cycles = Report::array(), bursts = Report::array();
  for (size_t i = 0; i < status.workers.size(); ++i) {
    const WorkerCounters& counters = *status.workers[i].counters;
    rows.push_back({{"worker", i},
                    {"lcore", status.workers[i].lcore},
                    {"busy_percent", busy_percent(counters)},
                    {"received", counters.received.value()},
                    {"forwarded", counters.forwarded.value()},
                    {"handed_in", counters.handed_in.value()},
                    {"handed_out", counters.handed_out.value()},
                    {"loops", counters.loops.value()},
                    {"bursts", counters.bursts.value()},
                    {"sleeps", counters.sleeps.value()}});
    cycles.push_back(cycles_of(counters, i));
    bursts.push_back(bursts_of(counters, i));
  }
  return {{"workers", std::move(rows)}, {"cycles_per_message", std::move(cycles)}, {"burst_sizes", std::move(bursts)}};
}

}  // namespace viaduct::control
