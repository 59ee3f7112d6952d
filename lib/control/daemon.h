// The control thread: everything that is not a message's way.
//
// Start-up is a list of steps (daemon.cc reads like one): ports, the kernel's view of them, guard sockets, control
// socket, neighbours asked for, the first View, workers. Then one loop waits for signals, netlink, clients and a tick
// of 10 ms; what changes routes or neighbours becomes a new View, at most one every 2 ms. SIGTERM and SIGINT end it:
// workers finish what they hold, the final ledger is logged.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "config/secret.h"
#include "control/backend_names.h"
#include "control/baseline.h"
#include "control/captures.h"
#include "control/cluster.h"
#include "control/explain_desk.h"
#include "control/kernel_twin.h"
#include "control/listener_guard.h"
#include "control/neighbor_wishes.h"
#include "control/overload.h"
#include "control/policies.h"
#include "control/port_watch.h"
#include "control/reload_queue.h"
#include "control/resolver.h"
#include "control/server.h"
#include "control/status.h"
#include "control/traffic_book.h"
#include "control/twins.h"
#include "core/result.h"
#include "dataplane/view.h"
#include "dpdk/runtime.h"

namespace viaduct::control {

class Daemon {
 public:
  // Blocks the signals that `run` waits for, in this thread and in those it will start. Call it before Runtime::open,
  // whose threads must not take them.
  static void block_signals();

  // `runtime` has its ports open and no workers yet. `before_packets` is called when all that needs privileges is done
  // and no packet has been read. On return workers run and the control socket answers.
  static core::Result<std::unique_ptr<Daemon>> start(config::Config config, const config::Secrets& secrets,
                                                     std::unique_ptr<dpdk::Runtime> runtime, std::string version,
                                                     const std::function<core::Status()>& before_packets = {});
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Until SIGTERM, SIGINT or `stop`. Returns when the workers have stopped and the ledger is logged. An error is why it
  // has ended of its own accord.
  core::Status run();
  void stop();  // from any thread or signal handler

  // The final ledger closes; true before the first `run` has ended only by chance.
  bool ledger_closes() const;

 private:
  using Clock = std::chrono::steady_clock;

  Daemon(config::Config config, const config::Secrets& secrets, std::unique_ptr<dpdk::Runtime> runtime,
         std::string version);
  core::Status open_kernel();
  core::Status guard_listeners();
  core::Status open_resolver();
  void await_names(std::chrono::milliseconds time_max);
  core::Status open_probes();
  core::Status open_events();
  core::Status open_socket();
  void want_next_hops();
  void await_next_hops(std::chrono::milliseconds time_max);
  void await_hops(std::span<const proxy::Backend> backends, std::chrono::milliseconds time_max);
  void await_new_hops(const proxy::View& next);
  bool will_be_asked_for(const dataplane::Adjacency::Answer& hop) const;
  bool next_hops_known(std::span<const proxy::Backend> backends) const;
  void rebuild_adjacency();
  bool is_to_lay() const { return proxy_changed_ && !awaits_hops_; }
  void lay();
  std::shared_ptr<const dataplane::View> next_view();
  void turn(int timeout_ms);
  void take_signal();
  void read_kernel();
  void publish_changes();
  void publish();
  void tick();
  void serve_wishes();
  void watch_ports();
  void resolve_names();
  void look_up_backends();
  void probe();
  void open_captures();
  void export_copies();
  Server::Reply obey(std::string_view line);
  std::optional<Server::Reply> obey_itself(std::string_view line);
  Server::Reply tell_events(std::string_view words);
  std::string reset();
  std::string order_log(std::string_view words);
  void publish_events();
  void publish_telemetry();
  void cluster_changed();
  void obey_next();
  void obey_no_more();
  void reloaded();
  void give_places(std::span<const Cluster::Traffic> counted);
  std::vector<Cluster::Traffic> counted() const;
  std::vector<Cluster::Traffic> traffic() const { return traffic_book_.of_backends(counted()); }
  std::vector<dataplane::Watch*> watches() const;
  void name_peers();
  const config::Config& config() const { return cluster_.config(); }
  Status status() const;
  void log_ports() const;
  void log_ledger() const;

  Cluster cluster_;
  Policies policies_;
  std::shared_ptr<const dataplane::Peers> peers_;  // as configured
  FloodNews flood_news_;
  LatencyBook latencies_;
  Findings findings_;
  ExplainDesk explain_desk_;
  const std::string version_;
  const Clock::time_point started_;
  std::unique_ptr<dpdk::Runtime> runtime_;
  TwinCarrier twin_carrier_;
  // What configuration, health and operators say, as it is in force. It changes in one piece: rules name pools by their
  // places.
  dataplane::View laid_;
  std::shared_ptr<const dataplane::Adjacency> adjacency_;
  std::shared_ptr<const dataplane::View> view_;
  std::unique_ptr<KernelTwin> twin_;  // none: no port has a kernel behind it
  std::optional<NeighborWishes> neighbor_wishes_;
  std::optional<ListenerGuard> guard_;
  PortWatch port_watch_;
  std::unique_ptr<Resolver> resolver_;  // of names that requests go to
  std::unique_ptr<BackendNames> backend_names_;
  std::unique_ptr<Captures> captures_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<ReloadQueue> reload_queue_;
  std::shared_ptr<const proxy::View> placed_;  // the View whose places `traffic_book_` has
  TrafficBook traffic_book_;
  std::optional<Baseline> baseline_;  // since the last `reset`
  uint64_t answers_later_ = 0;        // their numbers
  uint64_t published_events_ = 0;     // to who follows them
  core::Status end_ = core::Done{};
  Clock::time_point next_refresh_{};
  Clock::time_point next_port_watch_{};
  Clock::time_point next_observation_{};
  Clock::time_point next_telemetry_{};
  Clock::time_point next_publication_{};
  uint64_t epoch_ = 0;
  int epoll_ = -1, signals_ = -1, timer_ = -1, wake_ = -1;
  bool kernel_changed_ = false;
  bool proxy_changed_ = false;  // names, rules, or who may be chosen
  bool awaits_hops_ = false;    // of what is laid next
  bool running_ = false;
  bool stopping_ = false;
};

}  // namespace viaduct::control
