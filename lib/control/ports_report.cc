#include "control/ports_report.h"

#include <string>

#include "control/ledger_report.h"
#include "fmt/format.h"
#include "nlohmann/json.hpp"

namespace viaduct::control {
namespace {

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
  using telemetry::WorkerCounters;
  return {{"heard", sum(status, &WorkerCounters::icmp_heard)},
          {"ignored", sum(status, &WorkerCounters::icmp_ignored)},
          {"path_mtu_lowered", sum(status, &WorkerCounters::path_mtu_lowered)}};
}

Report ports_report(const Status& status, Arguments) {
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
                       {"twin_lost", counted.twin_lost},
                       {"fragments", fragments_report(status, index++)},
                       {"capabilities", std::move(capabilities)}};
  }
  return {{"ports", std::move(list)}, {"icmp", icmp_report(status)}};
}

std::string port_name(const Status& status, uint16_t port) {
  if (port == dataplane::Route::nowhere) return {};
  return port < status.ports.size() ? status.ports[port].info.name : fmt::format("{}", port);
}

Report neighbors_report(const Status& status, Arguments) {
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
                      {"gateway", route.on_link ? "" : net::to_string(route.gateway)},
                      {"mtu", route.mtu != dataplane::Route::any_mtu ? route.mtu : 0}});
  }
  return {{"neighbors", std::move(rows)}, {"routes", std::move(routes)}};
}

Report names_report(const Status& status, Arguments) {
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
  return {{"refused", status.names_room.refused}, {"backends", std::move(backends)}, {"names", std::move(rows)}};
}

constexpr Column port_columns[]{
    {"device", Kind::text, "as configured"},
    {"driver", Kind::text, "DPDK's driver, or af_packet"},
    {"mac", Kind::text, "its link address"},
    {"mtu", Kind::number, "largest IP packet, in bytes"},
    {"link", Kind::text, "up or down"},
    {"kernel_interface", Kind::text, "the kernel's interface behind it, if there is one"},
    {"addresses", Kind::list, "its addresses, the kernel's and those configured"},
    {"rx_queues", Kind::number, "receive queues"},
    {"tx_queues", Kind::number, "transmit queues"},
    {"rx_packets", Kind::counter, "packets received, as the port counts"},
    {"tx_packets", Kind::counter, "packets sent, as the port counts"},
    {"rx_bytes", Kind::counter, "bytes received"},
    {"tx_bytes", Kind::counter, "bytes sent"},
    {"rx_missed", Kind::counter, "packets lost because its queues were full"},
    {"rx_errors", Kind::counter, "packets received broken"},
    {"tx_errors", Kind::counter, "packets that could not be sent"},
    {"rx_no_buffer", Kind::counter,
     "receptions that found no buffer; of packet sockets and memifs, whose frames then wait, how often that began"},
    {"twin_lost", Kind::counter, "frames that found no room between it and its twin"},
    {"fragments.received", Kind::counter, "fragments of datagrams for us"},
    {"fragments.messages_put_together", Kind::counter, "datagrams put together"},
    {"fragments.messages_cut", Kind::counter, "messages larger than the link, or the way behind it, takes"},
    {"fragments.sent", Kind::counter, "fragments that they left as"},
    {"capabilities", Kind::list, "what was asked of it, and what it gave: objects with what, wanted, got"},
};
constexpr Column icmp_columns[]{
    {"heard", Kind::counter, "ICMP errors that quote a datagram of ours to a backend"},
    {"ignored", Kind::counter, "ICMP errors that do not, or come too often, or say what cannot be"},
    {"path_mtu_lowered", Kind::counter, "of those heard, how many lowered the MTU of a way"},
};
constexpr Table port_tables[]{
    {"ports", Shape::named, "every port, by its name", port_columns},
    {"icmp", Shape::object, "what ICMP errors said", icmp_columns},
};

constexpr Column neighbor_columns[]{
    {"port", Kind::text, "behind which port", true},
    {"address", Kind::text, "its address", true},
    {"mac", Kind::text, "its link address"},
};
constexpr Column route_columns[]{
    {"prefix", Kind::text, "destinations", true},
    {"port", Kind::text, "the port that leads there; empty: the kernel refuses to send there"},
    {"gateway", Kind::text, "the next hop; empty: on the link"},
    {"mtu", Kind::number, "bytes of the largest packet, where the route says (`ip route ... mtu`); 0: the port's"},
};
constexpr Table neighbor_tables[]{
    {"neighbors", Shape::rows, "link addresses in use", neighbor_columns},
    {"routes", Shape::rows, "routes: of several to the same prefix the first whose gateway is known is in use",
     route_columns},
};

constexpr Column backend_name_columns[]{
    {"name", Kind::text, "as configured", true},
    {"addresses", Kind::text, "the answer in force"},
    {"asked_again_in_s", Kind::number, "seconds until it is looked up again"},
    {"failures", Kind::number, "lookups that failed in a row"},
    {"problem", Kind::text, "what the name servers say"},
};
constexpr Column name_columns[]{
    {"name", Kind::text, "a host that a request goes to", true},
    {"address", Kind::text, "the answer in force"},
    {"asking", Kind::flag, "whether a question is under way"},
    {"failures", Kind::number, "lookups that failed in a row"},
    {"problem", Kind::text, "what the name servers say"},
};
constexpr Column refused_name_columns[]{
    {"refused", Kind::counter, "wishes of requests for names that there was no room for"},
};
constexpr Table name_tables[]{
    {"room", Shape::members, "what there was no room for", refused_name_columns},
    {"backends", Shape::rows, "names of backends", backend_name_columns},
    {"names", Shape::rows, "names of requests that go outward", name_columns},
};

}  // namespace

constinit const Command ports_command{"ports", "device, queues, what was wanted and got, the port's own counters",
                                      port_tables, ports_report};
constinit const Command neighbors_command{"neighbors", "link addresses and routes in use", neighbor_tables,
                                          neighbors_report};
constinit const Command names_command{"names", "host names looked up: backends' and those of requests that go outward",
                                      name_tables, names_report};

}  // namespace viaduct::control
