#include "control/workers_report.h"

#include <string>

#include "nlohmann/json.hpp"
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

Report workers_report(const Status& status, Arguments) {
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
                    {"handoff_kept", counters.handoff_kept.value()},
                    {"known_shapes", counters.known_shapes.value()},
                    {"loops", counters.loops.value()},
                    {"bursts", counters.bursts.value()},
                    {"sleeps", counters.sleeps.value()},
                    {"flooded", counters.flooded.value() != 0},
                    {"floods", counters.floods.value()},
                    {"shed_percent", counters.shed_percent.value()},
                    {"optional_skipped", counters.optional_skipped.value()}});
    cycles.push_back(cycles_of(counters, i));
    bursts.push_back(bursts_of(counters, i));
  }
  return {{"workers", std::move(rows)}, {"cycles_per_message", std::move(cycles)}, {"burst_sizes", std::move(bursts)}};
}

constexpr Column worker_columns[]{
    {"worker", Kind::number, "which one, in the order of [runtime] workers", true},
    {"lcore", Kind::number, "the CPU that it runs on"},
    {"busy_percent", Kind::real, "cycles of the last second that were spent on messages, in percent"},
    {"received", Kind::counter, "frames taken from ports"},
    {"forwarded", Kind::counter, "messages sent on"},
    {"handed_in", Kind::counter, "messages taken from other workers"},
    {"handed_out", Kind::counter, "messages given to other workers"},
    {"handoff_kept", Kind::counter, "other workers' messages judged here, their hand-off ring being full"},
    {"known_shapes", Kind::counter, "messages of a shape that was there before, which needed no parse"},
    {"loops", Kind::counter, "turns of the poll loop"},
    {"bursts", Kind::counter, "turns that found something"},
    {"sleeps", Kind::counter, "sleeps of an idle worker (idle = \"adaptive\")"},
    {"flooded", Kind::flag, "its queue does not run empty: optional work is off"},
    {"floods", Kind::counter, "times that it came to that"},
    {"shed_percent", Kind::number, "percent of new work that it refuses of itself"},
    {"optional_skipped", Kind::counter, "requests that rules which decide nothing were not asked about"},
};
constexpr Column cycle_columns[]{
    {"worker", Kind::number, "which one", true},
    {"sampled", Kind::counter, "messages whose cycles were counted: those of one burst in 64"},
    {"receive", Kind::number, "cycles a message: taking it from ports or rings"},
    {"frame", Kind::number, "cycles a message: Ethernet to UDP, ours or not"},
    {"parse", Kind::number, "cycles a message: the parser, and whose message it is"},
    {"hash", Kind::number, "cycles a message: keyed hashes"},
    {"decide", Kind::number, "cycles a message: what becomes of it"},
    {"rewrite", Kind::number, "cycles a message: route, neighbour, edits, new headers"},
    {"send", Kind::number, "cycles a message: transmit, hand over, free"},
    {"all", Kind::number, "cycles a message"},
};
constexpr Column burst_columns[]{
    {"worker", Kind::number, "which one", true},           {"1", Kind::counter, "bursts of one packet"},
    {"2-3", Kind::counter, "bursts of so many packets"},   {"4-7", Kind::counter, "bursts of so many packets"},
    {"8-15", Kind::counter, "bursts of so many packets"},  {"16-31", Kind::counter, "bursts of so many packets"},
    {"32-63", Kind::counter, "bursts of so many packets"}, {"64", Kind::counter, "full bursts: the queue has more"},
};
constexpr Table worker_tables[]{
    {"workers", Shape::rows, "load and hand-off of every worker", worker_columns},
    {"cycles_per_message", Shape::rows, "where the cycles go", cycle_columns},
    {"burst_sizes", Shape::rows, "how many packets a poll of the ports brings", burst_columns},
};

}  // namespace

constinit const Command workers_command{"workers", "load, hand-off, cycles by stage and burst sizes of every worker",
                                        worker_tables, workers_report};

}  // namespace viaduct::control
