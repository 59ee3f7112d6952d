// What the daemon says and does over its control socket.
#include <utility>
#include <vector>

#include "control/commands.h"
#include "control/compile.h"
#include "control/daemon.h"
#include "control/events_report.h"
#include "control/ledger_report.h"
#include "control/log.h"
#include "control/orders.h"
#include "control/telemetry_tables.h"
#include "control/words.h"
#include "dpdk/telemetry.h"
#include "fmt/format.h"
#include "sip/scan.h"

namespace viaduct::control {
namespace {

constexpr std::string_view stopping_answer = "error: viaduct is being stopped; nothing was changed";

}  // namespace

Server::Reply Daemon::obey(std::string_view line) {
  if (auto reply = obey_itself(line)) return std::move(*reply);
  if (const auto ordered = policies_.order(line, cluster_.events(), Clock::now())) {
    if (ordered->changed) proxy_changed_ = true;
    return ordered->text;
  }
  Outcome outcome = carry_out(cluster_, line, Clock::now());
  if (!outcome.is_order) return answer(status(), line);
  if (outcome.changed) cluster_changed();
  return std::move(outcome.answer);
}

void Daemon::obey_next() {
  const auto request = reload_queue_->take();
  // Whoever has given up waiting in line does not expect it to be done later.
  if (!request || (request->later != 0 && !server_->is_awaited(request->later))) return;
  const Outcome outcome = carry_out(cluster_, request->line, Clock::now());
  if (outcome.changed) outcome.reloaded ? reloaded() : cluster_changed();
  if (request->later != 0) server_->answer(request->later, outcome.answer);
}

void Daemon::obey_no_more() {
  for (const ReloadQueue::Request& request : reload_queue_->close()) {
    if (request.later != 0) server_->answer(request.later, stopping_answer);
  }
}

// What is said to the control thread about itself.
std::optional<Server::Reply> Daemon::obey_itself(std::string_view line) {
  const std::string_view verb = next_word(line);
  if (verb == "events") return tell_events(line);
  if (verb == "capture") {
    Server::Reply reply = captures_->begin(line, Clock::now());
    publish_changes();
    return reply;
  }
  const bool behind_reload = (verb == "backend" || verb == "save") && !reload_queue_->empty();
  if (verb == "reload" && stopping_) return Server::Reply(std::string(stopping_answer));
  if (verb == "reload" || behind_reload) {
    Server::Reply reply("");
    reply.later = ++answers_later_;
    reload_queue_->add({fmt::format("{} {}", verb, line), reply.later});
    return reply;
  }
  if (verb == "explain") return Server::Reply(explain_desk_.answer(line, *view_, config()));
  if (verb == "reset") {
    if (!next_word(line).empty()) return Server::Reply("error: 'reset' is expected, alone");
    return Server::Reply(reset());
  }
  if (verb != "log") return std::nullopt;
  return Server::Reply(order_log(line));
}

// Those that are kept, then those that come.
Server::Reply Daemon::tell_events(std::string_view words) {
  bool follow = false, json = false;
  std::vector<std::string_view> arguments;
  for (auto word = next_word(words); !word.empty(); word = next_word(words)) {
    follow = follow || word == "follow";
    json = json || word == "json";
    if (word != "follow" && word != "json") arguments.push_back(word);
  }
  const auto wanted = events_wanted(arguments);
  if (!wanted) return Server::Reply("error: " + events_expected("events [follow] [json]"));
  publish_events();  // so that none comes twice
  std::string lines;
  for (const Event& event : cluster_.events().kept()) {
    if (wanted->takes(event)) lines += json ? event_json(event) : event_text(event);
  }
  if (!follow) return Server::Reply(lines.empty() ? "no events\n" : std::move(lines));
  Server::Reply reply(std::move(lines), json ? Server::Feed::events_json : Server::Feed::events_text);
  if (wanted->kind) reply.topic = text_of(*wanted->kind);
  return reply;
}

void Daemon::publish_events() {
  const auto& kept = cluster_.events().kept();
  if (!server_ || kept.empty() || kept.back().number == published_events_) return;
  for (const Event& event : kept) {
    if (event.number <= published_events_) continue;
    server_->publish(Server::Feed::events_text, text_of(event.kind), event_text(event),
                     "{} events left out: they were not read in time\n");
    server_->publish(Server::Feed::events_json, text_of(event.kind), event_json(event), "{{\"left_out\":{}}}\n");
  }
  published_events_ = kept.back().number;
}

// For the threads of DPDK's telemetry, which must not look themselves.
void Daemon::publish_telemetry() {
  constexpr auto telemetry_time = std::chrono::seconds(1);
  const auto now = Clock::now();
  if (!config().runtime.dpdk_telemetry || now < next_telemetry_) return;
  next_telemetry_ = now + telemetry_time;
  dpdk::publish_telemetry(telemetry_tables(status()));
}

std::string Daemon::reset() {
  baseline_ = baseline_of(status());
  traffic_book_.reset(counted());
  cluster_.events().add(EventKind::operator_, "reset", "what is shown since a reset begins anew",
                        {"what is shown since a reset begins anew, by the operator"});
  return "since_reset of stat, drops and backends begins anew; counters, the ledger and metrics stay as they are";
}

std::string Daemon::order_log(std::string_view words) {
  const std::string_view what = next_word(words), level = next_word(words);
  if (what == "reopen" && level.empty()) {
    const core::Status done = reopen_log();
    return done ? "the log file is opened anew, if there is one" : "error: " + done.error();
  }
  if (what != "level" || !next_word(words).empty()) {
    return "error: 'log level debug|info|warning|error' or 'log reopen' is expected";
  }
  if (!set_log_level(level)) return fmt::format("error: '{}' is no level; {} are", printable(level), log_levels);
  const std::string logged = fmt::format("{} and above are logged", level);
  cluster_.events().add(EventKind::log, "level", logged, {logged});
  return logged + ", until the next start";
}

Status Daemon::status() const {
  Status status;
  status.version = version_;
  status.config_file = config().file;
  status.simd = sip::active_scan_kernel().name;
  status.uptime = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - started_);
  status.handoff_waiting = runtime_->handoff_waiting();
  status.view = view_.get();
  for (size_t i = 0; i < runtime_->worker_count(); ++i) {
    status.workers.push_back({runtime_->worker_lcore(i), &runtime_->counters(i)});
  }
  const auto ports = runtime_->ports();
  for (size_t i = 0; i < ports.size(); ++i) {
    const auto port = static_cast<uint16_t>(i);
    auto addresses = config().ports[i].addresses;
    if (twin_) {
      for (const net::Prefix& prefix : twin_->addresses(port)) addresses.push_back(prefix);
    }
    dpdk::PortInfo info = ports[i];
    info.mtu = view_->ports[i].mtu;
    info.mac = view_->ports[i].mac;
    if (auto kept_off = guard_ ? guard_->capability(config().ports[i]) : std::nullopt) {
      info.capabilities.push_back(std::move(*kept_off));
    }
    dpdk::PortStatistics statistics = runtime_->port_statistics(i);
    statistics.link_up = statistics.link_up && !port_watch_.lost(i);
    status.ports.push_back({std::move(info), statistics, std::move(addresses)});
  }
  status.backends = cluster_.rows();
  const auto counted = this->counted();
  status.traffic = traffic_book_.of_backends(counted);
  status.traffic_since_reset = traffic_book_.since_reset(counted);
  status.events = &cluster_.events();
  for (const dataplane::Watch* watch : watches()) status.watches.push_back(watch);
  status.latencies = &latencies_;
  status.findings = &findings_;
  status.policies = &policies_;
  status.captures = captures_.get();
  status.config = &config();
  status.baseline = baseline_ ? &*baseline_ : nullptr;
  if (server_) status.socket = server_->counts();
  status.names = resolver_->entries();
  status.names_room = resolver_->room();
  status.backend_names = backend_names_->entries();
  status.neighbors = configured_neighbors(config());
  status.routes = configured_routes(config());
  if (twin_) {
    for (const auto& neighbor : twin_->neighbors()) status.neighbors.push_back(neighbor);
    for (const auto& route : twin_->routes()) status.routes.push_back(route);
  }
  return status;
}

}  // namespace viaduct::control
