// What the control socket can tell: plain data and pointers, gathered by the daemon for one command, or made up by a
// test.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "control/backend_names.h"
#include "control/baseline.h"
#include "control/captures.h"
#include "control/cluster.h"
#include "control/findings.h"
#include "control/latency_book.h"
#include "control/policies.h"
#include "control/resolver.h"
#include "control/server.h"
#include "dataplane/view.h"
#include "dpdk/runtime.h"
#include "telemetry/counters.h"

namespace viaduct::control {

struct Status {
  struct Worker {
    unsigned lcore = 0;
    const telemetry::WorkerCounters* counters = nullptr;
  };
  struct Port {
    dpdk::PortInfo info;
    dpdk::PortStatistics statistics;
    std::vector<net::Prefix> addresses;
  };

  std::string version;
  std::string config_file;
  std::string simd;  // the scan kernel in use: "avx2"
  std::chrono::seconds uptime{0};
  uint64_t handoff_waiting = 0;

  const dataplane::View* view = nullptr;  // the one published last
  std::vector<Worker> workers;
  std::vector<Port> ports;
  std::vector<dataplane::Adjacency::Neighbor> neighbors;
  std::vector<dataplane::Route> routes;
  std::vector<Resolver::Entry> names;
  Resolver::Room names_room;
  std::vector<BackendNames::Entry> backend_names;
  std::vector<Cluster::Row> backends;                 // in the order of the View
  std::vector<Cluster::Traffic> traffic;              // likewise
  std::vector<Cluster::Traffic> traffic_since_reset;  // likewise; who is missing was never reset
  const Events* events = nullptr;
  const Policies* policies = nullptr;
  const Captures* captures = nullptr;
  const config::Config* config = nullptr;
  const Baseline* baseline = nullptr;  // none: since the start
  Server::Counts socket;
  std::vector<const dataplane::Watch*> watches;  // of the workers
  const LatencyBook* latencies = nullptr;
  const Findings* findings = nullptr;
};

}  // namespace viaduct::control
