#include "control/ledger_report.h"

#include <algorithm>
#include <array>
#include <vector>

#include "fmt/format.h"
#include "nlohmann/json.hpp"

namespace viaduct::control {
namespace {

using telemetry::Ledger;
using telemetry::WorkerCounters;

Report terms(const Ledger& ledger) {
  return {{"received", ledger.received},     {"generated", ledger.generated},
          {"handed_in", ledger.handed_in},   {"forwarded", ledger.forwarded},
          {"replied", ledger.replied},       {"absorbed", ledger.absorbed},
          {"punted", ledger.punted},         {"dropped", ledger.dropped},
          {"handed_out", ledger.handed_out}, {"in_flight", static_cast<int64_t>(ledger.taken() - ledger.settled())},
          {"closes", ledger.closes()}};
}

Report socket_report(const Server::Counts& counts) {
  return {{"clients", counts.clients},
          {"clients_max", Server::clients_max},
          {"accepted", counts.accepted},
          {"refused", counts.refused},
          {"cut_off", counts.cut_off},
          {"followers", counts.followers},
          {"lines_left_out", counts.lines_left_out},
          {"let_go", counts.let_go}};
}

Report names_room_report(const Resolver::Room& room) {
  return {{"kept", room.names}, {"kept_max", room.names_max}, {"refused", room.refused}};
}

Report info_report(const Status& status, Arguments) {
  Report report = {{"version", status.version},
                   {"config", status.config_file},
                   {"uptime_s", status.uptime.count()},
                   {"simd", status.simd},
                   {"workers", status.workers.size()},
                   {"ports", status.ports.size()},
                   {"socket", socket_report(status.socket)},
                   {"names", names_room_report(status.names_room)}};
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
                     {"fingerprint", fmt::format("{:016x}", pool.table.fingerprint())},
                     {"usable", proxy::usable_backends(view, pool)}});
  }
  report["pools"] = std::move(pools);
  return report;
}

uint64_t seconds_since_reset(const Status& status) {
  if (status.baseline == nullptr) return static_cast<uint64_t>(status.uptime.count());
  const auto time = std::chrono::steady_clock::now() - status.baseline->time;
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(time).count());
}

Report since_reset(const Status& status, const Ledger& now) {
  const Ledger before = status.baseline == nullptr ? Ledger{} : status.baseline->ledger;
  return {{"seconds", seconds_since_reset(status)},        {"received", now.received - before.received},
          {"generated", now.generated - before.generated}, {"forwarded", now.forwarded - before.forwarded},
          {"replied", now.replied - before.replied},       {"absorbed", now.absorbed - before.absorbed},
          {"punted", now.punted - before.punted},          {"dropped", now.dropped - before.dropped}};
}

Report stat_report(const Status& status, Arguments) {
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
          {"since_reset", since_reset(status, total)},
          {"workers", std::move(workers)}};
}

// Every reason that occurred, the most frequent first, with what it means.
Report drops_report(const Status& status, Arguments) {
  struct Count {
    size_t reason;
    uint64_t messages;
  };
  std::vector<Count> counts;
  for (size_t reason = 0; reason < telemetry::reason_count; ++reason) {
    const uint64_t messages = counted(status, static_cast<telemetry::Reason>(reason));
    if (messages != 0) counts.push_back({reason, messages});
  }
  std::stable_sort(counts.begin(), counts.end(),
                   [](const Count& a, const Count& b) { return a.messages > b.messages; });
  Report rows = Report::array();
  for (const Count& count : counts) {
    const telemetry::ReasonText& text = telemetry::reason_texts[count.reason];
    const uint64_t before = status.baseline == nullptr ? 0 : status.baseline->by_reason[count.reason];
    rows.push_back({{"reason", text.name},
                    {"booked", control::text_of(text.term)},
                    {"messages", count.messages},
                    {"since_reset", count.messages - before},
                    {"meaning", text.sentence},
                    {"clause", text.clause}});
  }
  return {{"reasons", std::move(rows)}};
}

constexpr Column info_columns[]{
    {"version", Kind::text, "of the program"},
    {"config", Kind::text, "the configuration file"},
    {"uptime_s", Kind::counter, "seconds since the start"},
    {"simd", Kind::text, "the scanning kernel in use"},
    {"workers", Kind::number, "how many there are"},
    {"ports", Kind::number, "how many there are"},
    {"view_epoch", Kind::counter, "changes of what workers read, so far"},
    {"affinity", Kind::text, "transaction or queue, as configured"},
};
constexpr Column names_room_columns[]{
    {"kept", Kind::number, "known or asked for now"},
    {"kept_max", Kind::number, "the bound; what nobody wants any more goes after an hour"},
    {"refused", Kind::counter, "wishes for names that there was no room for"},
};
constexpr Column socket_columns[]{
    {"clients", Kind::number, "connected to the control socket now"},
    {"clients_max", Kind::number, "how many may be"},
    {"accepted", Kind::counter, "connections taken"},
    {"refused", Kind::counter, "connections refused because there were too many"},
    {"cut_off", Kind::counter, "clients disconnected because they left too much unread"},
    {"followers", Kind::number, "clients that follow events now"},
    {"lines_left_out", Kind::counter, "lines that followers missed because they read too slowly"},
    {"let_go", Kind::counter, "idle clients disconnected because others needed their places"},
};
constexpr Column listener_columns[]{
    {"listener", Kind::text, "its name", true},
    {"address", Kind::text, "one of its addresses", true},
    {"side", Kind::text, "outside or inside"},
    {"pool", Kind::text, "where its requests go"},
};
constexpr Column pool_columns[]{
    {"pool", Kind::text, "its name", true},
    {"backends", Kind::number, "how many it has"},
    {"fingerprint", Kind::text, "of its table: nodes that choose alike show the same"},
    {"usable", Kind::number, "how many of them take new calls: wanted, alive, not standing by"},
};
constexpr Table info_tables[]{
    {"info", Shape::members, "what runs", info_columns},
    {"socket", Shape::object, "the control socket itself", socket_columns},
    {"names", Shape::object, "names of requests that go outward", names_room_columns},
    {"listeners", Shape::rows, "every address that is listened on", listener_columns, true},
    {"pools", Shape::rows, "every pool's table", pool_columns, true},
};

constexpr Column ledger_columns[]{
    {"received", Kind::counter, "frames taken from ports"},
    {"generated", Kind::counter, "datagrams put together from fragments, or given up before they were"},
    {"handed_in", Kind::counter, "messages taken from other workers"},
    {"forwarded", Kind::counter, "requests and responses sent on"},
    {"replied", Kind::counter, "requests that we answered ourselves"},
    {"absorbed", Kind::counter, "messages for us that end here without an answer"},
    {"punted", Kind::counter, "frames left to the kernel, or not ours to judge"},
    {"dropped", Kind::counter, "messages thrown away, each with a reason"},
    {"handed_out", Kind::counter, "messages given to other workers"},
    {"in_flight", Kind::number, "taken and not settled: what workers hold right now"},
    {"closes", Kind::flag,
     "received + generated + handed_in = forwarded + replied + absorbed + punted + dropped + handed_out"},
};
constexpr auto worker_ledger_columns = [] {
  std::array<Column, std::size(ledger_columns) + 1> columns{{{"worker", Kind::number, "which one", true}}};
  std::copy(std::begin(ledger_columns), std::end(ledger_columns), columns.begin() + 1);
  return columns;
}();
constexpr Column traffic_columns[]{
    {"requests_forwarded", Kind::counter, "requests sent on"},
    {"responses_forwarded", Kind::counter, "responses sent on"},
    {"bytes_received", Kind::counter, "bytes of frames taken from ports"},
    {"bytes_sent", Kind::counter, "bytes of frames sent"},
    {"handoff_waiting", Kind::number, "packets in hand-off rings right now"},
};
constexpr Column since_reset_columns[]{
    {"seconds", Kind::number, "since the last reset, or the start"},
    {"received", Kind::number, "since then"},
    {"generated", Kind::number, "since then"},
    {"forwarded", Kind::number, "since then"},
    {"replied", Kind::number, "since then"},
    {"absorbed", Kind::number, "since then"},
    {"punted", Kind::number, "since then"},
    {"dropped", Kind::number, "since then"},
};
constexpr Table stat_tables[]{
    {"ledger", Shape::object, "every message once, over all workers", ledger_columns},
    {"traffic", Shape::members, "what was sent on, and how much that was", traffic_columns},
    {"since_reset", Shape::object, "the ledger less what it was at the last reset", since_reset_columns},
    {"workers", Shape::rows, "the ledger of every worker", worker_ledger_columns},
};

constexpr Column drop_columns[]{
    {"reason", Kind::text, "its name, the same everywhere", true},
    {"booked", Kind::text, "the term of the ledger: dropped, replied, absorbed or punted"},
    {"messages", Kind::counter, "how many were not forwarded for it"},
    {"since_reset", Kind::number, "of these, since the last reset"},
    {"meaning", Kind::text, "a sentence"},
    {"clause", Kind::text, "where the standard speaks of it"},
};
constexpr Table drop_tables[]{
    {"reasons", Shape::rows, "every reason that occurred, the most frequent first", drop_columns}};

}  // namespace

constinit const Command info_command{"info", "version, configuration, listeners, pools with their table fingerprints",
                                     info_tables, info_report};
constinit const Command stat_command{"stat", "the ledger: every message once, for all workers and each", stat_tables,
                                     stat_report};
constinit const Command drops_command{"drops", "why messages were not forwarded, the most frequent reason first",
                                      drop_tables, drops_report};

std::string_view text_of(telemetry::LedgerTerm term) {
  switch (term) {
    case telemetry::LedgerTerm::dropped: return "dropped";
    case telemetry::LedgerTerm::absorbed: return "absorbed";
    case telemetry::LedgerTerm::replied: return "replied";
    case telemetry::LedgerTerm::punted: return "punted";
  }
  return "";
}

uint64_t sum(const Status& status, const telemetry::Counter WorkerCounters::*counter) {
  uint64_t total = 0;
  for (const Status::Worker& worker : status.workers) total += (worker.counters->*counter).value();
  return total;
}

uint64_t counted(const Status& status, telemetry::Reason reason) {
  uint64_t messages = 0;
  for (const Status::Worker& worker : status.workers) {
    messages += worker.counters->by_reason[static_cast<size_t>(reason)].value();
  }
  return messages;
}

Baseline baseline_of(const Status& status) {
  Baseline baseline;
  for (const Status::Worker& worker : status.workers) baseline.ledger += telemetry::ledger_of(*worker.counters);
  for (size_t reason = 0; reason < telemetry::reason_count; ++reason) {
    baseline.by_reason[reason] = counted(status, static_cast<telemetry::Reason>(reason));
  }
  return baseline;
}

}  // namespace viaduct::control
