#include "report.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>

namespace viaduct::viablast {
namespace {

using Json = nlohmann::ordered_json;
using blast::Leg;

constexpr const char* leg_names[blast::leg_count] = {"first", "cancel", "bye"};
constexpr double latency_error = 0.008;  // histogram.h

double microseconds(uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1000; }

Json latency_of(const blast::Histogram& latency) {
  return {{"count", latency.count()},
          {"mean", latency.mean() / 1000},
          {"p50", microseconds(latency.percentile(0.5))},
          {"p90", microseconds(latency.percentile(0.9))},
          {"p99", microseconds(latency.percentile(0.99))},
          {"p99_9", microseconds(latency.percentile(0.999))},
          {"max", microseconds(latency.max())},
          {"error", latency_error}};
}

Json codes_of(const blast::UacCounters& counters) {
  Json codes = Json::object();
  for (size_t code = 0; code < counters.by_code.size(); ++code) {
    if (const uint64_t count = counters.by_code[code].value(); count != 0) codes[std::to_string(code)] = count;
  }
  return codes;
}

Json callers_of(const blast::UacCounters& counters) {
  Json requests = Json::object();
  for (size_t leg = 0; leg < blast::leg_count; ++leg) {
    requests[leg_names[leg]] = {{"sent", counters.requests[leg].value()},
                                {"answered", counters.answered[leg].value()},
                                {"lost", counters.lost[leg].value()}};
  }
  return {{"calls", counters.calls.value()},
          {"completed", counters.completed.value()},
          {"refused", counters.refused.value()},
          {"skipped", counters.skipped.value()},
          {"requests", requests},
          {"acks", counters.acks.value()},
          {"retransmitted", counters.retransmitted.value()},
          {"unrepeatable", counters.unrepeatable.value()},
          {"hurried_byes", counters.hurried.value()},
          {"withheld_byes", counters.withheld.value()},
          {"received", counters.received.value()},
          {"provisional", counters.provisional.value()},
          {"duplicated", counters.duplicated.value()},
          {"late", counters.late.value()},
          {"misrouted", counters.misrouted.value()},
          {"via_left", counters.via_left.value()},
          {"foreign", counters.foreign.value()},
          {"unreadable", counters.unreadable.value()},
          {"unexpected", counters.unexpected.value()},
          {"codes", codes_of(counters)},
          {"closes", counters.closes()}};
}

Json reflector_of(const blast::UasCounters& counters) {
  return {{"received", counters.received.value()},
          {"requests", counters.requests.value()},
          {"invites", counters.invites.value()},
          {"byes", counters.byes.value()},
          {"cancels", counters.cancels.value()},
          {"others", counters.others.value()},
          {"acks", counters.acks.value()},
          {"answers", counters.answers.value()},
          {"dropped", counters.dropped.value()},
          {"unanswered", counters.unanswered.value()},
          {"misrouted", counters.misrouted.value()},
          {"unreadable", counters.unreadable.value()},
          {"closes", counters.closes()}};
}

Json port_of(const dpdk::Wire& wire, size_t port, const Trial& trial) {
  const dpdk::PortStatistics& device = trial.devices[port];
  const blast::StationCounters& counters = trial.stations[port]->counters();
  return {{"device", wire.ports()[port].device},
          {"mac", net::to_string(wire.ports()[port].mac)},
          {"received", counters.received.value()},
          {"sent", counters.sent.value()},
          {"sunk", counters.sunk.value()},
          {"not_ours", counters.not_ours.value()},
          {"bad_checksum", counters.bad_checksum.value()},
          {"fragments", counters.fragments.value()},
          {"put_together", counters.put_together.value()},
          {"unsent", counters.unsent.value()},
          {"blocked", counters.loops.value() == 0 ? 0.0
                                                  : static_cast<double>(counters.blocked.value()) /
                                                        static_cast<double>(counters.loops.value())},
          {"device_received", device.rx_packets},
          {"device_sent", device.tx_packets},
          {"device_missed", device.rx_missed},
          {"device_errors", device.rx_errors + device.tx_errors + device.rx_no_buffer}};
}

std::string thousands(uint64_t number) {
  std::string groups;
  for (; number >= 1000; number /= 1000) groups = fmt::format(",{:03}{}", number % 1000, groups);
  return fmt::format("{}{}", number, groups);
}

std::string rounded(double number) { return thousands(static_cast<uint64_t>(std::llround(number))); }

// Of the summary.
void row(const char* name, const std::string& value) { std::printf("  %-22s %s\n", name, value.c_str()); }
void row_if_any(const char* name, const blast::Counter& counter) {
  if (counter.value() != 0) row(name, thousands(counter.value()));
}

void print_answers(const Trial& trial) {
  const blast::UacCounters& counters = trial.uac->counters();
  row("refused", thousands(trial.refused()));
  row("duplicated, late",
      fmt::format("{}, {}", thousands(counters.duplicated.value()), thousands(counters.late.value())));
  row("misrouted", thousands(trial.misrouted()));
  row_if_any("a Via left on it", counters.via_left);
  row_if_any("retransmitted", counters.retransmitted);
  row_if_any("not repeatable", counters.unrepeatable);
  row_if_any("hung up early", counters.hurried);
  row_if_any("BYEs never sent", counters.withheld);
  if (trial.sent() != 0 && counters.received.value() == 0) row("nothing came back", "is anybody there?");
  std::string codes;
  for (size_t code = 0; code < counters.by_code.size(); ++code) {
    const uint64_t count = counters.by_code[code].value();
    if (count != 0) codes += fmt::format("{}{}: {}", codes.empty() ? "" : ", ", code, thousands(count));
  }
  row("answers by code", codes.empty() ? "-" : codes);
  const blast::Histogram& latency = trial.uac->latency();
  const auto at = [&](double share) { return microseconds(latency.percentile(share)); };
  row("time to the answer", latency.count() == 0
                                ? "-"
                                : fmt::format("p50 {:.1f}  p90 {:.1f}  p99 {:.1f}  p99.9 {:.1f}  max {:.1f} µs",
                                              at(0.5), at(0.9), at(0.99), at(0.999), microseconds(latency.max())));
}

void print_callers(const Trial& trial) {
  const uint64_t skipped = trial.uac->counters().skipped.value();
  std::printf("callers, %.2f s\n", trial.seconds);
  row("calls", fmt::format("{} ({} a second{})", thousands(trial.started()), rounded(trial.rate()),
                           skipped != 0 ? fmt::format("; {} more were due", thousands(skipped)) : ""));
  row(trial.flood ? "frames sent" : "requests", thousands(trial.sent()));
  if (!trial.flood || trial.sink) {
    row(trial.flood ? "arrived" : "answered", thousands(trial.answered()));
    row("lost", thousands(trial.lost()));
  }
  if (!trial.flood) print_answers(trial);
}

void print_reflector(const blast::UasCounters& counters) {
  std::printf("reflector\n");
  row("requests, ACKs", fmt::format("{}, {}", thousands(counters.requests.value()), thousands(counters.acks.value())));
  row("answers", thousands(counters.answers.value()));
  row_if_any("unanswered, no room", counters.unanswered);
  row("misrouted", thousands(counters.misrouted.value()));
}

}  // namespace

void LiveLine::print(const Trial& trial, double seconds) {
  const double span = seconds - seconds_;
  const auto per_second = [&](uint64_t now, uint64_t& before) {
    const std::string rate = rounded(static_cast<double>(now - before) / span);
    before = now;
    return rate;
  };
  std::string line = fmt::format("{:4.0f} s", seconds);
  if (trial.uac) {
    const uint64_t sent = trial.sent(), answered = trial.answered();
    line += fmt::format("  {:>11} calls/s", per_second(trial.started(), started_));
    if (!trial.flood) {
      line += fmt::format("  {:>11} answers/s  waiting {}", per_second(answered, answered_),
                          thousands(sent > answered + trial.lost() ? sent - answered - trial.lost() : 0));
    }
    line += fmt::format("  refused {}  duplicated {}  misrouted {}", thousands(trial.refused()),
                        thousands(trial.uac->counters().duplicated.value()), thousands(trial.misrouted()));
  }
  if (trial.uas)
    line += fmt::format("  reflected {:>11}/s", per_second(trial.uas->counters().requests.value(), received_));
  if (trial.sink) line += fmt::format("  sunk {:>11}/s", per_second(trial.uas_station()->sunk.value(), received_));
  seconds_ = seconds;
  std::fprintf(stderr, "%s\n", line.c_str());
}

void print_summary(const Trial& trial) {
  std::printf("\n");
  if (trial.uac) print_callers(trial);
  if (trial.uas) print_reflector(trial.uas->counters());
  if (trial.sink) {
    const uint64_t sunk = trial.uas_station()->sunk.value();
    const std::string rate =
        trial.seconds > 0 ? fmt::format(" ({} a second)", rounded(static_cast<double>(sunk) / trial.seconds)) : "";
    std::printf("sink\n");
    row("frames", thousands(sunk) + rate);
  }
  if (trial.bad_checksums() != 0) row("bad checksums", thousands(trial.bad_checksums()));
  std::printf("the ledger %s\n", trial.closes() ? "closes" : "DOES NOT CLOSE");
}

Json to_json(const Options& options, const Trial& trial, const dpdk::Wire& wire) {
  Json out = {{"program", "viablast"}, {"version", VIADUCT_VERSION}, {"seconds", trial.seconds}};
  if (trial.uac) {
    out["scenario"] = options.uac.text.empty() ? options.uac.scenario : "template";
    out["rate_wanted"] = trial.wanted_rate;
    out["rate"] = trial.rate();
    out["frame_bytes"] = trial.uac->frame_bytes_max();
    out["sent"] = trial.sent();
    out["answered"] = trial.answered();
    out["lost"] = trial.lost();
    out["refused"] = trial.refused();
    out["duplicated"] = trial.uac->counters().duplicated.value();
    out["misrouted"] = trial.misrouted();
    out["bad_checksums"] = trial.bad_checksums();
    out["retransmitted"] = trial.uac->counters().retransmitted.value();
    out["latency_us"] = latency_of(trial.uac->latency());
    out["uac"] = callers_of(trial.uac->counters());
  }
  if (trial.uas) out["uas"] = reflector_of(trial.uas->counters());
  Json ports = Json::array();
  for (size_t port = 0; port < trial.stations.size(); ++port) {
    ports.push_back(port_of(wire, port, trial));
  }
  out["ports"] = ports;
  if (trial.sink && trial.seconds > 0) {
    out["sunk_per_second"] = static_cast<double>(trial.uas_station()->sunk.value()) / trial.seconds;
  }
  out["closes"] = trial.closes();
  out["interrupted"] = trial.interrupted;
  return out;
}

Json to_json(const std::vector<SearchStep>& steps) {
  Json out = Json::array();
  for (const SearchStep& step : steps) {
    out.push_back({{"rate", step.rate},
                   {"achieved", step.achieved},
                   {"loss", step.loss},
                   {"misrouted", step.misrouted},
                   {"passed", step.passed}});
  }
  return out;
}

}  // namespace viaduct::viablast
