// The metrics, one entry each, by the command that they come from.
#include "serve/metrics.h"

namespace viaduct::serve {
namespace metric_table {
namespace {

using Names = std::string_view;
using enum MetricType;

constexpr Names no_labels_needed[1]{};
constexpr std::span<const Names> no_labels(no_labels_needed, 0);
constexpr Names build_labels[]{"version", "simd", "affinity"};
constexpr Names pool_labels[]{"pool", "fingerprint"};
constexpr Names one_pool_labels[]{"pool"};
constexpr Names worker_labels[]{"worker"};
constexpr Names reason_labels[]{"reason", "booked"};
constexpr Names backend_labels[]{"pool", "backend"};
constexpr Names method_labels[]{"pool", "backend", "method"};
constexpr Names answer_labels[]{"pool", "backend", "code"};
constexpr Names deviation_labels[]{"name", "section"};
constexpr Names backend_state_labels[]{"pool", "backend", "state"};
constexpr Names port_labels[]{"port"};
constexpr Names rule_labels[]{"rule", "mode"};
constexpr Names limit_labels[]{"limit", "mode"};

constexpr Source usable[]{{"usable"}};
constexpr Source uptime[]{{"uptime_s"}};
constexpr Source epoch[]{{"view_epoch"}};
constexpr Source socket_clients[]{{"clients"}};
constexpr Source socket_refused[]{{"refused"}};
constexpr Source socket_cut_off[]{{"cut_off"}};
constexpr Source socket_left_out[]{{"lines_left_out"}};
constexpr Source socket_let_go[]{{"let_go"}};
constexpr Source names_kept[]{{"kept"}};
constexpr Source names_refused[]{{"refused"}};
constexpr Source ledger_terms[]{
    {"received", "received"},   {"generated", "generated"}, {"handed_in", "handed_in"},
    {"forwarded", "forwarded"}, {"replied", "replied"},     {"absorbed", "absorbed"},
    {"punted", "punted"},       {"dropped", "dropped"},     {"handed_out", "handed_out"},
};
constexpr Source in_flight[]{{"in_flight"}};
constexpr Source forwarded_kinds[]{{"requests_forwarded", "request"}, {"responses_forwarded", "response"}};
constexpr Source bytes_received[]{{"bytes_received"}};
constexpr Source bytes_sent[]{{"bytes_sent"}};
constexpr Source handoff_waiting[]{{"handoff_waiting"}};
constexpr Source drop_messages[]{{"messages"}};
constexpr Source healthy[]{{"healthy"}};
constexpr Source weight[]{{"weight"}};
constexpr Source share[]{{"share_percent"}};
constexpr Source warm[]{{"warm_percent"}};
constexpr Source requests[]{{"requests"}};
constexpr Source responses[]{{"responses"}};
constexpr Source probes[]{{"probes"}};
constexpr Source probes_failed[]{{"failed"}};
constexpr Source probe_time[]{{"last_ms"}};
constexpr Source asked_of_backend[]{{"requests"}};
constexpr Source copies[]{{"copies"}};
constexpr Source answered[]{{"answered"}};
constexpr Source untimed[]{{"untimed"}};
constexpr Source first_times[]{{"first_p50_ms", "50"}, {"first_p99_ms", "99"}};
constexpr Source final_times[]{{"final_p50_ms", "50"}, {"final_p99_ms", "99"}};
constexpr Source answers_of[]{{"answers"}};
constexpr Source uncounted[]{{"uncounted"}};
constexpr Source deviating[]{{"messages"}};
constexpr Source busy[]{{"busy_percent"}};
constexpr Source known_shapes[]{{"known_shapes"}};
constexpr Source loops[]{{"loops"}};
constexpr Source bursts[]{{"bursts"}};
constexpr Source sleeps[]{{"sleeps"}};
constexpr Source stages[]{{"receive", "receive"}, {"frame", "frame"},     {"parse", "parse"}, {"hash", "hash"},
                          {"decide", "decide"},   {"rewrite", "rewrite"}, {"send", "send"}};
constexpr Source burst_sizes[]{{"1", "1"},         {"2-3", "2-3"},     {"4-7", "4-7"}, {"8-15", "8-15"},
                               {"16-31", "16-31"}, {"32-63", "32-63"}, {"64", "64"}};
constexpr Source captured[]{{"copied", "copied"}, {"lost", "ring_full"}, {"skipped", "flooded"}};
constexpr Source link[]{{"link"}};
constexpr Source port_packets[]{{"rx_packets", "in"}, {"tx_packets", "out"}};
constexpr Source port_bytes[]{{"rx_bytes", "in"}, {"tx_bytes", "out"}};
constexpr Source port_errors[]{{"rx_errors", "in"}, {"tx_errors", "out"}};
constexpr Source port_missed[]{{"rx_missed"}};
constexpr Source port_no_buffer[]{{"rx_no_buffer"}};
constexpr Source port_fragments[]{{"fragments.received", "in"}, {"fragments.sent", "out"}};
constexpr Source port_whole[]{{"fragments.messages_put_together", "put_together"}, {"fragments.messages_cut", "cut"}};
constexpr Source icmp[]{{"heard", "heard"}, {"ignored", "ignored"}};
constexpr Source path_mtu[]{{"path_mtu_lowered"}};
constexpr Source matched[]{{"matched"}};
constexpr Source over_limit[]{{"over_limit"}};
constexpr Source asked[]{{"asked"}};
constexpr Source over[]{{"over"}};
constexpr Source memory[]{{"memory_bytes"}};
constexpr Source banned[]{{"banned"}};
constexpr Source last_event[]{{"last"}};

constexpr Metric all[]{
    {"viaduct_build",
     info,
     "",
     "Version, scanning kernel and affinity of the balancer",
     "info",
     "info",
     build_labels,
     {}},
    {"viaduct_uptime_seconds", gauge, "seconds", "Time since the balancer started", "info", "info", no_labels, uptime},
    {"viaduct_view_changes", counter, "", "Changes of what workers read: reloads, health, routes, neighbours", "info",
     "info", no_labels, epoch},
    {"viaduct_pool_table",
     info,
     "",
     "Fingerprint of the pool's table; nodes that choose alike have the same",
     "info",
     "pools",
     pool_labels,
     {}},
    {"viaduct_pool_usable_backends", gauge, "", "Backends of the pool that take new calls; 0: nobody does", "info",
     "pools", one_pool_labels, usable},
    {"viaduct_control_clients", gauge, "", "Clients of the control socket", "info", "socket", no_labels,
     socket_clients},
    {"viaduct_control_refused", counter, "", "Clients refused by the control socket because there were too many",
     "info", "socket", no_labels, socket_refused},
    {"viaduct_control_cut_off", counter, "", "Clients of the control socket cut off because they did not read", "info",
     "socket", no_labels, socket_cut_off},
    {"viaduct_control_let_go", counter, "", "Idle clients of the control socket that gave their places to others",
     "info", "socket", no_labels, socket_let_go},
    {"viaduct_control_lines_left_out", counter, "", "Lines that slow followers of events missed", "info", "socket",
     no_labels, socket_left_out},
    {"viaduct_outward_names", gauge, "", "Names of requests that go outward, known or asked for", "info", "names",
     no_labels, names_kept},
    {"viaduct_outward_names_refused", counter, "", "Wishes for names of requests that there was no room for", "info",
     "names", no_labels, names_refused},

    {"viaduct_messages", counter, "",
     "The ledger, by worker: received + generated + handed_in = forwarded + replied + absorbed + punted + dropped + "
     "handed_out",
     "stat", "workers", worker_labels, ledger_terms, "term"},
    {"viaduct_messages_in_flight", gauge, "", "Messages taken by workers and not settled yet", "stat", "ledger",
     no_labels, in_flight},
    {"viaduct_forwarded_messages", counter, "", "Messages sent on", "stat", "traffic", no_labels, forwarded_kinds,
     "kind"},
    {"viaduct_received_bytes", counter, "bytes", "Bytes of frames taken from ports", "stat", "traffic", no_labels,
     bytes_received},
    {"viaduct_sent_bytes", counter, "bytes", "Bytes of frames sent", "stat", "traffic", no_labels, bytes_sent},
    {"viaduct_handoff_waiting", gauge, "", "Packets in the rings between workers", "stat", "traffic", no_labels,
     handoff_waiting},

    {"viaduct_unforwarded_messages", counter, "", "Messages that were not sent on, by reason and by term of the ledger",
     "drops", "reasons", reason_labels, drop_messages},

    {"viaduct_backend_healthy", gauge, "", "Whether probes find the backend alive; 1 where there are none", "backends",
     "backends", backend_labels, healthy},
    {"viaduct_backend_state",
     info,
     "",
     "What is wanted of the backend: up, drain, down, departing",
     "backends",
     "backends",
     backend_state_labels,
     {}},
    {"viaduct_backend_weight", gauge, "", "The backend's weight", "backends", "backends", backend_labels, weight},
    {"viaduct_backend_share_ratio",
     gauge,
     "ratio",
     "The backend's share of its pool's new calls",
     "backends",
     "backends",
     backend_labels,
     share,
     {},
     0.01},
    {"viaduct_backend_warm_ratio",
     gauge,
     "ratio",
     "How far the backend's slow start is",
     "backends",
     "backends",
     backend_labels,
     warm,
     {},
     0.01},
    {"viaduct_backend_requests", counter, "", "Requests forwarded to the backend", "backends", "backends",
     backend_labels, requests},
    {"viaduct_backend_responses", counter, "", "Responses forwarded from the backend", "backends", "backends",
     backend_labels, responses},
    {"viaduct_backend_names_in_trouble",
     gauge,
     "",
     "Backends' names whose lookups fail",
     "backends",
     "names",
     no_labels,
     {}},
    {"viaduct_backend_probes", counter, "", "Probes sent to the backend", "health", "health", backend_labels, probes},
    {"viaduct_backend_probe_failures", counter, "", "Probes of the backend that failed", "health", "health",
     backend_labels, probes_failed},
    {"viaduct_backend_probe_seconds",
     gauge,
     "seconds",
     "How long the last answered probe took",
     "health",
     "health",
     backend_labels,
     probe_time,
     {},
     0.001},

    {"viaduct_backend_transactions", counter, "", "Requests sent to the backend, copies not counted", "latency",
     "latency", method_labels, asked_of_backend},
    {"viaduct_backend_request_copies", counter, "", "Copies of requests sent to the backend", "latency", "latency",
     method_labels, copies},
    {"viaduct_backend_final_answers", counter, "", "Requests with a final answer of the backend", "latency", "latency",
     method_labels, answered},
    {"viaduct_backend_untimed_answers", counter, "", "Answers that do not say how long they took", "latency", "latency",
     method_labels, untimed},
    {"viaduct_backend_first_answer_seconds", gauge, "seconds", "Time to the backend's first answer, lately", "latency",
     "latency", method_labels, first_times, "percentile", 0.001},
    {"viaduct_backend_final_answer_seconds", gauge, "seconds", "Time to the backend's final answer, lately", "latency",
     "latency", method_labels, final_times, "percentile", 0.001},
    {"viaduct_backend_answers", counter, "", "Answers of the backend by status code, copies of final ones not counted",
     "latency", "answers", answer_labels, answers_of},
    {"viaduct_backend_uncounted", counter, "",
     "Requests and answers that the times to answer have no row for: too many backends and methods", "latency", "room",
     no_labels, uncounted},
    {"viaduct_deviating_messages", counter, "", "Messages that depart from the standard, by section", "deviations",
     "totals", deviation_labels, deviating},

    {"viaduct_worker_busy_ratio",
     gauge,
     "ratio",
     "Share of the last second's cycles that the worker spent on messages",
     "workers",
     "workers",
     worker_labels,
     busy,
     {},
     0.01},
    {"viaduct_worker_known_shapes", counter, "", "Messages of a shape that was there before, which needed no parse",
     "workers", "workers", worker_labels, known_shapes},
    {"viaduct_worker_loops", counter, "", "Turns of the worker's poll loop", "workers", "workers", worker_labels,
     loops},
    {"viaduct_worker_bursts", counter, "", "Turns of the worker's poll loop that found something", "workers", "workers",
     worker_labels, bursts},
    {"viaduct_worker_sleeps", counter, "", "Sleeps of the idle worker", "workers", "workers", worker_labels, sleeps},
    {"viaduct_worker_stage_cycles", gauge, "cycles", "Cycles a message, by stage, since the start", "workers",
     "cycles_per_message", worker_labels, stages, "stage"},
    {"viaduct_worker_bursts_by_size", counter, "", "Bursts from ports, by the number of their packets", "workers",
     "burst_sizes", worker_labels, burst_sizes, "packets"},

    {"viaduct_capture_copies", counter, "", "Copies of messages for captures, and those that were left out", "captures",
     "workers", worker_labels, captured, "result"},

    {"viaduct_port_link_up",
     gauge,
     "",
     "Whether the port has a link",
     "ports",
     "ports",
     port_labels,
     link,
     {},
     1,
     "up"},
    {"viaduct_port_packets", counter, "", "Packets of the port, as it counts", "ports", "ports", port_labels,
     port_packets, "direction"},
    {"viaduct_port_bytes", counter, "bytes", "Bytes of the port, as it counts", "ports", "ports", port_labels,
     port_bytes, "direction"},
    {"viaduct_port_errors", counter, "", "Packets of the port that were broken or could not be sent", "ports", "ports",
     port_labels, port_errors, "direction"},
    {"viaduct_port_missed_packets", counter, "", "Packets lost because the port's queues were full", "ports", "ports",
     port_labels, port_missed},
    {"viaduct_port_no_buffer", counter, "", "Receptions of the port that found no buffer", "ports", "ports",
     port_labels, port_no_buffer},
    {"viaduct_port_fragments", counter, "", "Fragments of IP datagrams for us, and of ours", "ports", "ports",
     port_labels, port_fragments, "direction"},
    {"viaduct_port_fragmented_messages", counter, "", "Messages put together from fragments, or cut into them", "ports",
     "ports", port_labels, port_whole, "what"},
    {"viaduct_icmp_errors", counter, "", "ICMP errors about datagrams of ours to backends, and others", "ports", "icmp",
     no_labels, icmp, "what"},
    {"viaduct_path_mtu_lowered", counter, "", "ICMP errors that lowered the MTU of a way", "ports", "icmp", no_labels,
     path_mtu},

    {"viaduct_rule_matches", counter, "", "Requests that the rule matched", "rules", "rules", rule_labels, matched},
    {"viaduct_rule_over_limit", counter, "", "Requests that the rule matched and that were over its limit", "rules",
     "rules", rule_labels, over_limit},
    {"viaduct_limit_asked", counter, "", "Requests measured by the limit", "limits", "limits", limit_labels, asked},
    {"viaduct_limit_over", counter, "", "Requests over the limit", "limits", "limits", limit_labels, over},
    {"viaduct_limit_memory_bytes", gauge, "bytes", "Memory of the limit's tables", "limits", "limits", limit_labels,
     memory},
    {"viaduct_bans", gauge, "", "Sources that are shut out", "bans", "total", no_labels, banned},
    {"viaduct_events", counter, "", "Changes noted: health, bans, operators' commands, reloads", "events", "position",
     no_labels, last_event},
};

}  // namespace
}  // namespace metric_table

std::span<const Metric> metrics() { return metric_table::all; }

}  // namespace viaduct::serve
