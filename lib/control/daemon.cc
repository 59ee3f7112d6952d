#include "control/daemon.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "control/compile.h"
#include "control/log.h"
#include "control/privileges.h"
#include "core/log.h"
#include "fmt/format.h"
#include "sip/scan.h"

namespace viaduct::control {
namespace {

using namespace std::chrono_literals;

constexpr auto tick_time = 10ms;  // a new neighbour is asked for, and known to the workers, that much later at the most
constexpr auto publish_time = 2ms;       // between two Views: a burst of changes becomes a few of them
constexpr auto port_watch_time = 500ms;  // how late a link that is gone is told of at the most
constexpr auto refresh_time = 5s;        // how often next hops are asked for again, so that the kernel keeps them fresh
constexpr size_t wishes_max = 256;  // in a tick: each may be a question to somebody, and a flood has no end of them
constexpr auto first_hops_time_max = 1s;   // how long start-up waits for the backends' link addresses
constexpr auto first_names_time_max = 3s;  // how long start-up waits for the backends' names
constexpr auto observation_time = 1s;      // how often a backend's silence is looked for
constexpr int events_max = 16;

core::Error system_problem(std::string_view what) {
  return core::Error{fmt::format("{}: {}", what, std::strerror(errno))};
}

sigset_t awaited_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

core::Result<Server::Access> socket_access(const config::Config& config) {
  Server::Access access(config.control.mode);
  if (const std::string& owner = config.control.owner.empty() ? config.runtime.user : config.control.owner;
      !owner.empty()) {
    const auto account = find_account(owner);
    if (!account) return core::Error{account.error()};
    access.owner = account->user;
    access.group = account->group;
  }
  if (!config.control.group.empty()) {
    const auto group = find_group(config.control.group);
    if (!group) return core::Error{group.error()};
    access.group = *group;
  }
  return access;
}

// `twin` may be null. An interface's MTU may change while it is in use, and the link address where the port is it.
std::vector<dataplane::PortView> port_views(std::span<const dpdk::PortInfo> ports, const config::Config& config,
                                            const KernelTwin* twin) {
  std::vector<dataplane::PortView> views;
  for (const dpdk::PortInfo& port : ports) {
    const auto i = static_cast<uint16_t>(views.size());
    dataplane::PortView view;
    view.mac = port.mac;
    if (twin != nullptr && config.ports[i].twin.empty()) view.mac = twin->mac(i).value_or(port.mac);
    view.mtu = port.mtu;
    const uint32_t kernels = twin == nullptr ? 0 : twin->mtu(i);
    if (kernels != 0) view.mtu = static_cast<uint16_t>(std::min<uint32_t>(kernels, port.mtu_max));
    view.ipv4_checksum_offload = port.ipv4_checksum_offload;
    view.udp_checksum_offload = port.udp_checksum_offload;
    view.has_twin = !port.kernel_interface.empty();
    views.push_back(view);
  }
  return views;
}

}  // namespace

void Daemon::block_signals() {
  const sigset_t set = awaited_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

Daemon::Daemon(config::Config config, const config::Secrets& secrets, std::unique_ptr<dpdk::Runtime> runtime,
               std::string version)
    : cluster_(std::move(config), secrets),
      policies_(runtime->worker_count()),
      version_(std::move(version)),
      started_(Clock::now()),
      runtime_(std::move(runtime)),
      twin_carrier_(*runtime_) {}

core::Result<std::unique_ptr<Daemon>> Daemon::start(config::Config config, const config::Secrets& secrets,
                                                    std::unique_ptr<dpdk::Runtime> runtime, std::string version,
                                                    const std::function<core::Status()>& before_packets) {
  std::unique_ptr<Daemon> daemon(new Daemon(std::move(config), secrets, std::move(runtime), std::move(version)));
  daemon->log_ports();
  if (const core::Status done = daemon->open_resolver(); !done) return core::Error{done.error()};
  daemon->await_names(first_names_time_max);  // before `restore`, which speaks of backends by name
  daemon->cluster_.restore();
  if (const core::Status done = daemon->policies_.adopt(daemon->config()); !done) return core::Error{done.error()};
  daemon->give_places(std::vector<Cluster::Traffic>(telemetry::backend_count_max));
  daemon->name_peers();
  daemon->lay();
  daemon->open_captures();
  // The socket before the workers: if another balancer has it, this one must not touch a packet.
  for (const auto& step :
       {&Daemon::open_kernel, &Daemon::guard_listeners, &Daemon::open_events, &Daemon::open_socket}) {
    if (const core::Status done = (daemon.get()->*step)(); !done) return core::Error{done.error()};
  }
  daemon->rebuild_adjacency();
  daemon->await_next_hops(first_hops_time_max);
  if (const core::Status done = daemon->open_probes(); !done) return core::Error{done.error()};
  if (before_packets) {
    if (const core::Status done = before_packets(); !done) return core::Error{done.error()};
  }
  if (const core::Status done = daemon->runtime_->start(daemon->next_view()); !done) return core::Error{done.error()};
  daemon->running_ = true;
  sd_notify(0, "READY=1");
  core::log_info("viaduct {} is ready: {} workers, {} ports, {} backends", daemon->version_,
                 daemon->runtime_->worker_count(), daemon->runtime_->ports().size(), daemon->placed_->backends.size());
  return daemon;
}

Daemon::~Daemon() {
  if (running_) runtime_->stop();
  server_.reset();
  runtime_.reset();  // before the View that its workers read
  for (const int fd : {epoll_, signals_, timer_, wake_}) {
    if (fd >= 0) close(fd);
  }
}

core::Status Daemon::open_kernel() {
  std::vector<KernelTwin::Interface> interfaces;
  const auto ports = runtime_->ports();
  for (size_t i = 0; i < ports.size(); ++i) {
    if (!ports[i].kernel_interface.empty()) interfaces.push_back({ports[i].kernel_interface, static_cast<uint16_t>(i)});
  }
  if (interfaces.empty()) return core::Done{};
  auto twin = KernelTwin::open(std::move(interfaces));
  if (!twin) return core::Error{twin.error()};
  twin_ = std::move(*twin);
  neighbor_wishes_.emplace(*twin_);
  return give_addresses(config().ports, *twin_);
}

// Only where a kernel hears the listeners' packets too; without one there is nobody to keep quiet.
core::Status Daemon::guard_listeners() {
  if (!twin_) return core::Done{};
  auto guard = ListenerGuard::open(config().ports, placed_->sockets);
  if (!guard) return core::Error{guard.error()};
  guard_.emplace(std::move(*guard));
  return core::Done{};
}

core::Status Daemon::open_resolver() {
  std::string servers;
  for (const std::string& server : config().resolver.servers) servers += (servers.empty() ? "" : ",") + server;
  Resolver::Options options;
  options.servers = servers;
  options.timeout = config().resolver.timeout;
  auto resolver = Resolver::open(options);
  if (!resolver) return core::Error{resolver.error()};
  resolver_ = std::move(*resolver);
  BackendNames::Options names;
  names.dns = {.servers = servers, .timeout = options.timeout};
  auto backend_names = BackendNames::open(names);
  if (!backend_names) return core::Error{backend_names.error()};
  backend_names_ = std::move(*backend_names);
  backend_names_->set(names_in(cluster_.written()));
  return core::Done{};
}

void Daemon::await_names(std::chrono::milliseconds time_max) {
  const auto deadline = Clock::now() + time_max;
  for (look_up_backends(); !backend_names_->settled() && Clock::now() < deadline; look_up_backends()) {
    pollfd ready{backend_names_->fd(), POLLIN, 0};
    (void)poll(&ready, 1, 20);
  }
}

// A backend is probed where the kernel has the interface that leads to it, or no route is known yet.
core::Status Daemon::open_probes() {
  const auto reachable = [this](const net::IpAddress& address) {
    if (!twin_) return false;
    const auto hop = adjacency_->find(address);
    return !hop.found || !runtime_->ports()[hop.hop.port].kernel_interface.empty();
  };
  if (const core::Status done = cluster_.open_probes(reachable, Clock::now()); !done) return done;
  if (cluster_.fd() < 0) return core::Done{};
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = cluster_.fd();
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, event.data.fd, &event) != 0) return system_problem("epoll");
  return core::Done{};
}

core::Status Daemon::open_events() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  const sigset_t set = awaited_signals();
  signals_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (epoll_ < 0 || signals_ < 0 || timer_ < 0 || wake_ < 0)
    return system_problem("the control thread's event sources");
  itimerspec interval{};
  interval.it_interval.tv_nsec = interval.it_value.tv_nsec = std::chrono::nanoseconds(tick_time).count();
  timerfd_settime(timer_, 0, &interval, nullptr);
  auto reload_queue = ReloadQueue::open(config().file);
  if (!reload_queue) return core::Error{reload_queue.error()};
  reload_queue_ = std::move(*reload_queue);
  std::vector<int> sources{signals_, timer_, wake_, resolver_->fd(), backend_names_->fd(), reload_queue_->fd()};
  if (twin_) sources.push_back(twin_->fd());
  if (const core::Status done = twin_carrier_.open(); !done) return done;
  sources.insert(sources.end(), twin_carrier_.sources().begin(), twin_carrier_.sources().end());
  for (const int fd : sources) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) return system_problem("epoll");
  }
  return core::Done{};
}

core::Status Daemon::open_socket() {
  auto access = socket_access(config());
  if (!access) return core::Error{access.error()};
  auto server = Server::open(config().control.socket, *access, [this](std::string_view line) { return obey(line); });
  if (!server) return core::Error{server.error()};
  server_ = std::move(*server);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = server_->fd();
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, event.data.fd, &event) != 0) return system_problem("epoll");
  return core::Done{};
}

void Daemon::rebuild_adjacency() {
  std::vector<dataplane::Route> routes = configured_routes(config());
  std::vector<dataplane::Adjacency::Neighbor> neighbors = configured_neighbors(config());
  if (twin_) {
    for (const dataplane::Route& route : twin_->routes()) routes.push_back(route);
    for (const auto& neighbor : twin_->neighbors()) neighbors.push_back(neighbor);
  }
  adjacency_ = std::make_shared<const dataplane::Adjacency>(std::move(routes), neighbors);
  if (neighbor_wishes_) neighbor_wishes_->found(*adjacency_);
}

void Daemon::name_peers() {
  std::vector<dataplane::Peers::Peer> peers;
  for (const config::Peer& peer : config().peers) peers.push_back({peer.name, peer.prefixes});
  peers_ = peers.empty() ? nullptr : std::make_shared<const dataplane::Peers>(std::move(peers));
}

void Daemon::lay() {
  proxy_changed_ = false;
  auto proxy = std::make_shared<proxy::View>(*cluster_.view());
  proxy->names = resolver_->answers();
  laid_.overload = compile_overload(config().overload, *proxy, laid_.overload.get());
  laid_.proxy = std::move(proxy);
  laid_.policy = policies_.current();
  laid_.peers = peers_;
  laid_.affinity = config().runtime.affinity == config::AffinityMode::transaction ? dataplane::Affinity::transaction
                                                                                  : dataplane::Affinity::queue;
}

std::shared_ptr<const dataplane::View> Daemon::next_view() {
  auto view = std::make_shared<dataplane::View>(laid_);
  view->epoch = ++epoch_;
  view->taps = captures_->current();
  view->adjacency = adjacency_;
  view->ports = port_views(runtime_->ports(), config(), twin_.get());
  for (size_t i = 0; i < view->ports.size(); ++i) {
    const dpdk::PortInfo& port = runtime_->ports()[i];
    const uint16_t mtu = view_ == nullptr ? port.mtu : view_->ports[i].mtu;
    const net::Mac mac = view_ == nullptr ? port.mac : view_->ports[i].mac;
    if (mtu != view->ports[i].mtu) core::log_info("port {}: MTU {} -> {}", port.name, mtu, view->ports[i].mtu);
    if (mac != view->ports[i].mac) {
      core::log_info("port {}: link address {} -> {}", port.name, net::to_string(mac),
                     net::to_string(view->ports[i].mac));
    }
  }
  view_ = view;
  return view;
}

core::Status Daemon::run() {
  while (running_) turn(-1);
  return end_;
}

void Daemon::stop() {
  const uint64_t one = 1;
  (void)!write(wake_, &one, sizeof one);
}

void Daemon::turn(int timeout_ms) {
  epoll_event events[events_max];
  const int count = epoll_wait(epoll_, events, events_max, timeout_ms);
  bool stop = false;
  for (int i = 0; i < count; ++i) {
    const int fd = events[i].data.fd;
    if (fd == signals_) take_signal();
    if (uint64_t times = 0; fd == wake_) stop = read(wake_, &times, sizeof times) == sizeof times;
    if (fd == timer_) tick();
    if (fd == resolver_->fd()) resolve_names();
    if (fd == backend_names_->fd()) look_up_backends();
    if (fd == cluster_.fd()) probe();
    if (server_ && fd == server_->fd()) server_->turn();
    if (fd == reload_queue_->fd()) obey_next();
    if (twin_ && fd == twin_->fd()) read_kernel();
    twin_carrier_.serve(fd);
  }
  publish_events();
  if (stop && !std::exchange(stopping_, true)) {
    sd_notify(0, "STOPPING=1");
    obey_no_more();
    if (reload_queue_->at_work()) core::log_info("stopping: as soon as the reload that is being prepared lets go");
  }
  // Its thread cannot be interrupted, and has to end before the process does; until then calls go on.
  if (!stopping_ || reload_queue_->at_work()) return;
  core::log_info("stopping: workers finish what they hold");
  runtime_->stop();
  running_ = false;
  log_ledger();
}

void Daemon::take_signal() {
  signalfd_siginfo info{};
  while (read(signals_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo == SIGHUP) {
      if (const core::Status done = reopen_log(); !done) core::log_error("{}", done.error());
      core::log_info("SIGHUP received: the configuration is read anew");
      if (!stopping_) reload_queue_->add({"reload"});
      continue;
    }
    core::log_info("{} received", info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
    stop();
  }
}

void Daemon::read_kernel() {
  const auto changed = twin_->read_changes();
  if (!changed) {
    core::log_error("netlink: {}; routes and neighbours stay as they are", changed.error());
  } else if (*changed) {
    kernel_changed_ = true;
    if (running_) publish_changes();
  }
}

// At once, because the answer to a first request may be waiting for its neighbour; but a storm of changes, a full table
// of routes say, must not make a View for each.
void Daemon::publish_changes() {
  const bool taps_changed = captures_->current() != view_->taps;
  if ((kernel_changed_ || is_to_lay() || taps_changed) && Clock::now() >= next_publication_) publish();
}

// With very many routes it takes long; a third of this thread's time at the most.
void Daemon::publish() {
  const auto begin = Clock::now();
  if (std::exchange(kernel_changed_, false)) rebuild_adjacency();
  if (is_to_lay()) lay();
  runtime_->publish(next_view());
  const auto end = Clock::now();
  next_publication_ = end + std::max<Clock::duration>(publish_time, 2 * (end - begin));
}

void Daemon::tick() {
  uint64_t expirations;
  (void)!read(timer_, &expirations, sizeof expirations);
  serve_wishes();
  resolve_names();
  look_up_backends();
  probe();
  if (const auto now = Clock::now(); now >= next_refresh_) {
    next_refresh_ = now + refresh_time;
    if (twin_) read_kernel();  // what it could not read the last time, nobody may tell again
    want_next_hops();
    export_copies();
  }
  if (policies_.turn(cluster_.events(), Clock::now())) proxy_changed_ = true;
  if (const auto now = Clock::now(); now >= next_port_watch_) {
    next_port_watch_ = now + port_watch_time;
    watch_ports();
  }
  std::vector<const telemetry::WorkerCounters*> workers;
  for (size_t i = 0; i < runtime_->worker_count(); ++i) workers.push_back(&runtime_->counters(i));
  flood_news_.turn(workers, cluster_.events());
  const auto watches = this->watches();
  findings_.take(watches);
  const auto known = [this](uint32_t backend) { return laid_.proxy->backend_of_cookie.contains(backend); };
  latencies_.turn(watches, known, Clock::now());
  captures_->turn(server_.get(), Clock::now());
  server_->tidy(Clock::now());
  publish_changes();
  publish_telemetry();
  runtime_->reclaim();
}

void Daemon::watch_ports() {
  if (stopping_) return;
  std::vector<PortWatch::Sight> sights;
  for (const dpdk::PortInfo& port : runtime_->ports()) {
    const size_t i = sights.size();
    sights.push_back({.name = port.name,
                      .interface = port.kernel_interface,
                      .incarnation = twin_ ? twin_->incarnation(static_cast<uint16_t>(i)) : 0,
                      .ours = !config().ports[i].twin.empty(),
                      .link_up = runtime_->port_statistics(i).link_up});
  }
  end_ = port_watch_.turn(sights, cluster_.events());
  if (!end_) stop();
}

void Daemon::serve_wishes() {
  std::array<dpdk::WantedNeighbor, 64> wishes;
  const auto now = Clock::now();
  for (size_t taken = 0; taken < wishes_max;) {
    const size_t count = runtime_->take_wanted(wishes);
    if (count == 0) break;
    taken += count;
    if (!neighbor_wishes_) continue;
    for (const dpdk::WantedNeighbor& wish : std::span(wishes).first(count)) {
      neighbor_wishes_->wish({wish.port, wish.address}, now);
    }
  }
  if (neighbor_wishes_ && neighbor_wishes_->turn(now)) kernel_changed_ = true;
}

void Daemon::resolve_names() {
  std::array<dpdk::WantedName, 16> names;
  for (size_t taken = 0, count = 1; taken < wishes_max && count != 0; taken += count) {
    count = runtime_->take_wanted_names(names);
    for (const dpdk::WantedName& name : std::span(names).first(count)) resolver_->want(name.text());
  }
  if (!resolver_->turn()) return;
  proxy_changed_ = true;
  publish_changes();
}

void Daemon::look_up_backends() {
  const bool changed = backend_names_->turn();
  for (const BackendNames::News& news : backend_names_->take_news()) {
    cluster_.events().add(
        EventKind::names, news.name, news.what,
        {fmt::format("name {} {}", news.name, news.what), news.trouble ? spdlog::level::warn : spdlog::level::info});
  }
  if (!changed || !cluster_.take_answers(backend_names_->answers(), Clock::now())) return;
  if (server_) cluster_changed();
}

void Daemon::probe() {
  const auto now = Clock::now();
  if (now >= next_observation_) {
    next_observation_ = now + observation_time;
    cluster_.observe(traffic(), now);
  }
  std::array<net::Endpoint, 64> unreachable;
  for (const net::Endpoint& address : std::span(unreachable).first(runtime_->take_unreachable(unreachable))) {
    cluster_.unreachable(address, now);
  }
  if (cluster_.turn(now)) cluster_changed();
}

// The patterns have been compiled once already, so nothing is wrong with them now.
void Daemon::reloaded() {
  if (const core::Status done = policies_.adopt(config()); !done) core::log_error("reload: {}", done.error());
  name_peers();
  explain_desk_.forget_rules();
  export_copies();
  cluster_changed();
}

// From here on workers count by the new places, all but at once.
void Daemon::cluster_changed() {
  backend_names_->set(names_in(cluster_.written()));
  proxy_changed_ = true;
  await_new_hops(*cluster_.view());
  give_places(counted());
  publish();
  want_next_hops();
}

void Daemon::give_places(std::span<const Cluster::Traffic> counted) {
  placed_ = cluster_.view();
  std::vector<std::string> names;
  for (const proxy::Backend& backend : placed_->backends) {
    names.push_back(backend_key(placed_->pools[backend.pool].name, backend.name));
  }
  traffic_book_.give_places(std::move(names), counted);
}

std::vector<dataplane::Watch*> Daemon::watches() const {
  std::vector<dataplane::Watch*> all;
  for (size_t worker = 0; worker < runtime_->worker_count(); ++worker) {
    if (dataplane::Watch* watch = runtime_->watch(worker)) all.push_back(watch);
  }
  return all;
}

void Daemon::open_captures() {
  std::vector<dataplane::Tap*> taps;
  for (size_t worker = 0; worker < runtime_->worker_count(); ++worker) {
    if (dataplane::Tap* tap = runtime_->tap(worker)) taps.push_back(tap);
  }
  std::vector<std::string> ports;
  for (const dpdk::PortInfo& port : runtime_->ports()) ports.push_back(port.name);
  captures_ = std::make_unique<Captures>(std::move(taps), std::move(ports), "viaduct " + version_, cluster_.events());
  export_copies();
}

// What fails now is tried again at the next refresh: the way to the collector may be missing for a while.
void Daemon::export_copies() {
  if (const core::Status done = captures_->export_to(config().hep, Clock::now()); !done) {
    core::log_warning("{}", done.error());
  }
}

// By place, over all workers.
std::vector<Cluster::Traffic> Daemon::counted() const {
  std::vector<Cluster::Traffic> traffic(telemetry::backend_count_max);
  for (size_t worker = 0; worker < runtime_->worker_count(); ++worker) {
    const telemetry::WorkerCounters& counters = runtime_->counters(worker);
    for (size_t i = 0; i < traffic.size(); ++i) {
      traffic[i].requests += counters.backend_requests[i].value();
      traffic[i].responses += counters.backend_responses[i].value();
    }
  }
  return traffic;
}

void Daemon::log_ports() const {
  for (const dpdk::PortInfo& port : runtime_->ports()) {
    core::log_info("port {}: {} by {}, {}, MTU {}", port.name, port.device, port.driver, net::to_string(port.mac),
                   port.mtu);
    for (const dpdk::Capability& capability : port.capabilities) {
      core::log_info("port {}:   {:<24} wanted {:<12} got {}", port.name, capability.what, capability.wanted,
                     capability.got);
    }
  }
}

bool Daemon::ledger_closes() const {
  telemetry::Ledger total;
  for (size_t i = 0; i < runtime_->worker_count(); ++i) total += telemetry::ledger_of(runtime_->counters(i));
  return total.closes() && total.handed_in == total.handed_out;
}

void Daemon::log_ledger() const {
  telemetry::Ledger total;
  for (size_t i = 0; i < runtime_->worker_count(); ++i) total += telemetry::ledger_of(runtime_->counters(i));
  if (ledger_closes()) {
    core::log_info("ledger: {}", telemetry::to_string(total));
  } else {
    core::log_error("ledger does not close: {}", telemetry::to_string(total));
  }
}

}  // namespace viaduct::control
