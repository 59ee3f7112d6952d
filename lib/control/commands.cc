#include "control/commands.h"

#include <algorithm>
#include <array>

#include "control/backends_report.h"
#include "control/orders.h"
#include "control/report.h"
#include "control/words.h"
#include "control/workers_report.h"
#include "fmt/format.h"

namespace viaduct::control {
namespace {

using telemetry::Ledger;
using telemetry::LedgerTerm;
using telemetry::WorkerCounters;

std::string_view text_of(LedgerTerm term) {
  switch (term) {
    case LedgerTerm::dropped: return "dropped";
    case LedgerTerm::absorbed: return "absorbed";
    case LedgerTerm::replied: return "replied";
    case LedgerTerm::punted: return "punted";
  }
  return "";
}

Report terms(const Ledger& ledger) {
  return {{"received", ledger.received},     {"generated", ledger.generated}, {"handed_in", ledger.handed_in},
          {"forwarded", ledger.forwarded},   {"replied", ledger.replied},     {"absorbed", ledger.absorbed},
          {"punted", ledger.punted},         {"dropped", ledger.dropped},     {"handed_out", ledger.handed_out},
          {"in_flight", static_cast<int64_t>(ledger.taken() - ledger.settled())}, {"closes", ledger.closes()}};
}

uint64_t sum(const Status& status, const telemetry::Counter WorkerCounters::*counter) {
  uint64_t total = 0;
  for (const Status::Worker& worker : status.workers) total += (worker.counters->*counter).value();
  return total;
}

Report info(const Status& status) {
  Report report = {{"version", status.version},
                   {"config", status.config_file},
                   {"uptime_s", status.uptime.count()},
                   {"simd", status.simd},
                   {"workers", status.workers.size()},
                   {"ports", status.ports.size()}};
  if (status.view == nullptr) return report;
  report["view_epoch"] = status.view->epoch;
  report["affinity"] = status.view->affinity == dataplane::Affinity::transaction ? "transaction" : "queue";
  const proxy::View& view = *status.view->proxy;
  Report listeners = Report::array();
  for (const proxy::Socket& socket : view.sockets) {
    const proxy::Listener& listener = view.listeners[socket.listener];
    listeners.push_back({{"listener", listener.name},
                         {"address", net::to_string(socket.address)},
                         {"side", listener.side == proxy::Side::outside ? "outside" : "inside"},
                         {"pool", listener.pool == proxy::none ? "" : view.pools[listener.pool].name}});
  }
  report["listeners"] = std::move(listeners);
  Report pools = Report::array();
  for (const proxy::Pool& pool : view.pools) {
    pools.push_back({{"pool", pool.name},
                     {"backends", pool.backend_count},
                     {"fingerprint", fmt::format("{:016x}", pool.table.fingerprint())}});
  }
  report["pools"] = std::move(pools);
  return report;
}

Report stat(const Status& status) {
  Ledger total;
  Report workers = Report::array();
  for (size_t i = 0; i < status.workers.size(); ++i) {
    const Ledger ledger = telemetry::ledger_of(*status.workers[i].counters);
    total += ledger;
    Report row = {{"worker", i}};
    row.update(terms(ledger));
    workers.push_back(std::move(row));
  }
  return {{"ledger", terms(total)},
          {"requests_forwarded", sum(status, &WorkerCounters::requests_forwarded)},
          {"responses_forwarded", sum(status, &WorkerCounters::responses_forwarded)},
          {"bytes_received", sum(status, &WorkerCounters::bytes_received)},
          {"bytes_sent", sum(status, &WorkerCounters::bytes_sent)},
          {"handoff_waiting", status.handoff_waiting},
          {"workers", std::move(workers)}};
}

// Every reason that occurred, the most frequent first, with what it means.
Report drops(const Status& status) {
  struct Count {
    size_t reason;
    uint64_t messages;
  };
  std::vector<Count> counts;
  for (size_t reason = 0; reason < telemetry::reason_count; ++reason) {
    uint64_t messages = 0;
    for (const Status::Worker& worker : status.workers) messages += worker.counters->by_reason[reason].value();
    if (messages != 0) counts.push_back({reason, messages});
  }
  std::stable_sort(counts.begin(), counts.end(),
                   [](const Count& a, const Count& b) { return a.messages > b.messages; });
  Report rows = Report::array();
  for (const Count& count : counts) {
    const telemetry::ReasonText& text = telemetry::reason_texts[count.reason];
    rows.push_back({{"reason", text.name},
                    {"booked", text_of(text.term)},
                    {"messages", count.messages},
                    {"meaning", text.sentence},
                    {"clause", text.clause}});
  }
  return {{"reasons", std::move(rows)}};
}

// Over all workers: a message in fragments is one in the ledger, so what carries it is counted here.
Report fragments_report(const Status& status, size_t port) {
  uint64_t received = 0, put_together = 0, cut = 0, sent = 0;
  for (const Status::Worker& worker : status.workers) {
    if (port >= telemetry::port_count_max) break;
    const telemetry::PortFragments& counted = worker.counters->fragments[port];
    received += counted.received.value();
    put_together += counted.put_together.value();
    cut += counted.cut.value();
    sent += counted.sent.value();
  }
  return {{"received", received}, {"messages_put_together", put_together}, {"messages_cut", cut}, {"sent", sent}};
}

// What ICMP errors said, over all workers.
Report icmp_report(const Status& status) {
  uint64_t heard = 0, ignored = 0, lowered = 0;
  for (const Status::Worker& worker : status.workers) {
    heard += worker.counters->icmp_heard.value();
    ignored += worker.counters->icmp_ignored.value();
    lowered += worker.counters->path_mtu_lowered.value();
  }
  return {{"heard", heard}, {"ignored", ignored}, {"path_mtu_lowered", lowered}};
}

Report ports(const Status& status) {
  Report list = Report::object();
  size_t index = 0;
  for (const Status::Port& port : status.ports) {
    const dpdk::PortInfo& info = port.info;
    const dpdk::PortStatistics& counted = port.statistics;
    Report capabilities = Report::array();
    for (const dpdk::Capability& capability : info.capabilities) {
      capabilities.push_back({{"what", capability.what}, {"wanted", capability.wanted}, {"got", capability.got}});
    }
    Report addresses = Report::array();
    for (const net::Prefix& prefix : port.addresses) addresses.push_back(net::to_string(prefix));
    list[info.name] = {{"device", info.device},
                       {"driver", info.driver},
                       {"mac", net::to_string(info.mac)},
                       {"mtu", info.mtu},
                       {"link", counted.link_up ? "up" : "down"},
                       {"kernel_interface", info.kernel_interface},
                       {"addresses", std::move(addresses)},
                       {"rx_queues", info.rx_queues},
                       {"tx_queues", info.tx_queues},
                       {"rx_packets", counted.rx_packets},
                       {"tx_packets", counted.tx_packets},
                       {"rx_bytes", counted.rx_bytes},
                       {"tx_bytes", counted.tx_bytes},
                       {"rx_missed", counted.rx_missed},
                       {"rx_errors", counted.rx_errors},
                       {"tx_errors", counted.tx_errors},
                       {"rx_no_buffer", counted.rx_no_buffer},
                       {"fragments", fragments_report(status, index++)},
                       {"capabilities", std::move(capabilities)}};
  }
  return {{"ports", std::move(list)}, {"icmp", icmp_report(status)}};
}

std::string port_name(const Status& status, uint16_t port) {
  return port < status.ports.size() ? status.ports[port].info.name : fmt::format("{}", port);
}

Report neighbors(const Status& status) {
  Report rows = Report::array();
  for (const auto& neighbor : status.neighbors) {
    rows.push_back({{"port", port_name(status, neighbor.port)},
                    {"address", net::to_string(neighbor.address)},
                    {"mac", net::to_string(neighbor.mac)}});
  }
  Report routes = Report::array();
  for (const dataplane::Route& route : status.routes) {
    routes.push_back({{"prefix", net::to_string(route.prefix)},
                      {"port", port_name(status, route.port)},
                      {"gateway", route.on_link ? "" : net::to_string(route.gateway)}});
  }
  return {{"neighbors", std::move(rows)}, {"routes", std::move(routes)}};
}

Report names(const Status& status) {
  Report rows = Report::array();
  for (const Resolver::Entry& entry : status.names) {
    rows.push_back({{"name", entry.name},
                    {"address", entry.known ? net::to_string(entry.endpoint) : ""},
                    {"asking", entry.asking},
                    {"failures", entry.failures},
                    {"problem", entry.problem}});
  }
  Report backends = Report::array();
  for (const BackendNames::Entry& entry : status.backend_names) {
    std::string addresses;
    for (const net::Endpoint& address : entry.addresses) {
      addresses += (addresses.empty() ? "" : " ") + net::to_string(address);
    }
    backends.push_back({{"name", entry.name},
                        {"addresses", addresses},
                        {"asked_again_in_s", entry.due.count()},
                        {"failures", entry.failures},
                        {"problem", entry.problem}});
  }
  return {{"backends", std::move(backends)}, {"names", std::move(rows)}};
}

Report nothing(const char* name) { return {{name, Report::array()}}; }

Report rules(const Status& status) { return status.policies == nullptr ? nothing("rules") : status.policies->rules(); }

Report limits(const Status& status) {
  return status.policies == nullptr ? nothing("limits") : status.policies->limits();
}

Report bans(const Status& status) {
  if (status.policies == nullptr) return nothing("bans");
  return status.policies->bans(std::chrono::steady_clock::now());
}

Report top_sources(const Status& status) {
  if (status.policies == nullptr) return nothing("top_sources");
  return status.policies->top_sources(std::chrono::steady_clock::now());
}

constexpr std::array all_commands{
    Command{"info", "version, configuration, listeners, pools with their table fingerprints", info},
    Command{"stat", "the ledger: every message once, for all workers and each", stat},
    Command{"backends", "state, share of new calls, requests and responses of every backend", backends_report},
    Command{"health", "what probes say about every backend", health_report},
    Command{"events", "what came and went lately: backends, operators' commands, reloads", events_report},
    Command{"workers", "load, hand-off, cycles by stage and burst sizes of every worker", workers_report},
    Command{"drops", "why messages were not forwarded, the most frequent reason first", drops},
    Command{"rules", "every [[rule]]: what it does and how many messages matched", rules},
    Command{"limits", "every [[limit]]: how often it was asked and exceeded", limits},
    Command{"bans", "who is shut out, for how long yet, and why", bans},
    Command{"top-sources", "who sends most, of those that limits count", top_sources},
    Command{"ports", "device, queues, what was wanted and got, the port's own counters", ports},
    Command{"neighbors", "link addresses and routes in use", neighbors},
    Command{"names", "host names looked up: backends' and those of requests that go outward", names},
};

std::string help() {
  std::string text = "show NAME [json], where NAME is one of\n";
  for (const Command& command : all_commands) text += fmt::format("  {:11} {}\n", command.name, command.help);
  return text + std::string(orders_help) + std::string(policies_help) + "help, quit";
}

}  // namespace

std::span<const Command> commands() { return all_commands; }

std::string answer(const Status& status, std::string_view line) {
  const std::string_view verb = next_word(line);
  if (verb == "help") return help();
  if (verb != "show") return fmt::format("error: '{}' is no command; there are\n{}", printable(verb), help());
  const std::string_view name = next_word(line);
  const std::string_view format = next_word(line);
  const auto command =
      std::find_if(all_commands.begin(), all_commands.end(), [&](const Command& c) { return c.name == name; });
  if (command == all_commands.end())
    return fmt::format("error: '{}' cannot be shown; there are\n{}", printable(name), help());
  if (format == "json") return command->report(status).dump(-1, ' ', true, Report::error_handler_t::replace);
  if (!format.empty())
    return fmt::format("error: '{}' is no format; leave it out for text, or say json", printable(format));
  return to_text(command->report(status));
}

}  // namespace viaduct::control
