// A balancer of a scenario: the control plane's own Cluster over a configuration file, and workers that forward what
// its View says, over packets in memory.
//
// Frames arrive at the queue that their addresses hash to, as with RSS; what belongs to another worker is handed over
// and served some microseconds later, so that a View may be published, and a worker restarted, between the two.
// Backends are probed by the product's scheduler on virtual time.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "control/cluster.h"
#include "control/orders.h"
#include "control/overload.h"
#include "dataplane/memory_io.h"
#include "dataplane/worker.h"
#include "health/scheduler.h"
#include "scenarios/world.h"
#include "support/folder.h"
#include "support/lab.h"
#include "telemetry/counters.h"

namespace viaduct::scenarios {

// What the configuration file says.
struct Site {
  struct Backend {
    std::string name;
    unsigned weight = 100;
    std::string state = "up";
    std::string address = {};  // empty: the machine of that name
  };
  std::vector<Backend> backends;
  std::string pool;       // more lines of the pool
  std::string more = {};  // and of the file
  bool record_route = true;
  bool probed = false;
  std::vector<std::string> secrets = {std::string(64, '1')};  // the first one signs

  static Site of(size_t count) {
    Site site;
    for (size_t i = 1; i <= count; ++i) site.backends.push_back({"p" + std::to_string(i)});
    return site;
  }
  Backend& at(std::string_view name) {
    for (Backend& backend : backends) {
      if (backend.name == name) return backend;
    }
    throw std::out_of_range(std::string(name));
  }
};

inline constexpr size_t backends_max = 16;
// `p3` is 10.0.1.3:5060, whatever else is configured.
inline std::string address_of(std::string_view name) {
  return test::backend_address(std::stoul(std::string(name.substr(1))) - 1, false);
}

class Node {
 public:
  Node(World& world, const Site& site, size_t workers = 2) : world_(world), worker_count_(workers) {
    write(site);
    start();
    tick();
  }
  ~Node() {
    check_accounts();
    abandon();
  }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Takes the addresses, as a virtual address moves between two nodes.
  void take_addresses() {
    world_.listen(std::string(outside), [this](const Datagram& datagram) { arrive(datagram, 0); });
    world_.listen(std::string(inside), [this](const Datagram& datagram) { arrive(datagram, 1); });
  }

  // The file; `order("reload")` makes it so.
  void write(const Site& site) const {
    std::string old;
    for (size_t i = 0; i < site.secrets.size(); ++i) {
      const std::string path = folder_ / ("secret" + std::to_string(i));
      std::ofstream(path, std::ios::trunc) << site.secrets[i];
      std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
      if (i > 0) old += (old.empty() ? "\"" : ", \"") + path + "\"";
    }
    std::ofstream file(folder_ / "viaduct.toml", std::ios::trunc);
    file << "[runtime]\nsecret_file = \"" << folder_ / "secret0"
         << "\"\nold_secret_files = [" << old << "]\n[control]\nstate_file = \"" << folder_ / "state.json"
         << "\"\n"
         << site.more << "[[port]]\nname = \"edge\"\ndevice = \"memif:/run/e.sock\"\n"
         << "[[port]]\nname = \"core\"\ndevice = \"memif:/run/c.sock\"\n[[listener]]\nname = \"public\"\naddress = \""
         << outside << "\"\npool = \"proxies\"\nrecord_route = " << (site.record_route ? "true" : "false")
         << "\n[[listener]]\nname = \"inside\"\naddress = \"" << inside << "\"\nside = \"inside\"\n"
         << "[[pool]]\nname = \"proxies\"\n"
         << site.pool << "\n";
    if (site.probed) file << "[pool.health]\ninterval = \"2s\"\ntimeout = \"1s\"\nrise = 2\nfall = 3\n";
    for (const Site::Backend& backend : site.backends) {
      file << "[[pool.backend]]\nname = \"" << backend.name << "\"\naddress = \""
           << (backend.address.empty() ? address_of(backend.name) : backend.address)
           << "\"\nweight = " << backend.weight << "\nstate = \"" << backend.state << "\"\n";
    }
  }

  // An operator's line; the answer.
  std::string order(const std::string& line) {
    const control::Outcome outcome = control::carry_out(*cluster_, line, world_.now());
    publish();
    return outcome.answer;
  }
  void reload(const Site& site) {
    write(site);
    const std::string answer = order("reload");
    if (answer.starts_with("error")) ADD_FAILURE() << answer;
  }
  // Probes' verdict, as from control/prober.h.
  void judge(const std::string& name, bool healthy) {
    if (cluster_->take({{.key = "proxies/" + name, .healthy = healthy, .why = "a scenario says so"}})) publish();
  }

  // Probes backends from now on: `alive` says whether one answers.
  void probe(std::function<bool(const std::string&)> alive) {
    alive_ = std::move(alive);
    probe_again();
  }

  // kill -9 and a new start: workers and cluster know what is in files.
  void restart() {
    check_accounts();
    abandon();
    start();
  }
  // One worker begins anew with what it remembers lost.
  void restart_worker(size_t worker) { make_worker(worker); }

  const proxy::View& view() const { return *cluster_->view(); }
  control::Cluster& cluster() { return *cluster_; }
  uint64_t count(telemetry::Reason reason) const {
    uint64_t sum = 0;
    for (const auto& bench : benches_) sum += bench->counters.by_reason[static_cast<size_t>(reason)].value();
    return sum;
  }
  uint64_t handed() const {
    uint64_t sum = 0;
    for (const auto& bench : benches_) sum += bench->counters.handed_in.value();
    return sum;
  }

 private:
  using MemoryWorker = dataplane::Worker<dataplane::MemoryIo>;
  struct Bench {
    dataplane::MemoryIo io;
    telemetry::WorkerCounters counters;
    std::unique_ptr<MemoryWorker> worker;
    bool due = false;
  };

  // What is between two workers is lost with them.
  void abandon() {
    ++life_;
    for (auto& bench : benches_) bench->worker->release_waiting();
  }
  void start() {
    config::Loaded loaded = config::load(folder_ / "viaduct.toml");
    for (const auto& error : loaded.errors) ADD_FAILURE() << config::to_string(error);
    auto secrets = config::read_secrets(*loaded.config);
    cluster_ = std::make_unique<control::Cluster>(std::move(*loaded.config), std::get<config::Secrets>(secrets),
                                                  [this] { return world_.now(); });
    cluster_->restore();
    published_ = {};
    publish();
    mesh_ = std::make_unique<dataplane::HandoffMesh>(worker_count_);
    benches_.clear();
    for (size_t i = 0; i < worker_count_; ++i) {
      benches_.push_back(std::make_unique<Bench>());
      make_worker(i);
    }
    injected_ = 0;
  }
  void make_worker(size_t i) {
    benches_[i]->worker = std::make_unique<MemoryWorker>(
        dataplane::WorkerPlace{
            .worker = i, .mesh = *mesh_, .view = current_, .counters = benches_[i]->counters, .now = &now_},
        benches_[i]->io);
  }

  void publish() {
    if (published_ != nullptr && published_->proxy == cluster_->view()) return;
    auto view = std::make_unique<dataplane::View>(network_);
    view->proxy = cluster_->view();
    view->overload = overload_ = control::compile_overload(cluster_->config().overload, *view->proxy, overload_.get());
    current_.store(view.get());
    published_ = std::move(view);  // nobody is within a turn: the one before can go
  }

  // What the control thread does when nothing happens.
  void tick() {
    if (cluster_->turn(world_.now())) publish();
    world_.after(500ms, [this] { tick(); });
  }
  void probe_again() {
    for (const proxy::Backend& backend : view().backends) {
      const bool known = std::any_of(targets_.begin(), targets_.end(),
                                     [&](const auto& target) { return target.second == backend.name; });
      if (!known) targets_.emplace(probes_.add(backend.name, {}, backend.healthy, world_.now()), backend.name);
    }
    health::Scheduler::Turn turn = probes_.turn(world_.now());
    std::vector<health::Scheduler::Change> changes = turn.changes;
    for (const auto& probe : turn.send) {
      if (!alive_(targets_.at(probe.target))) continue;
      if (const auto change = probes_.answered(probe.number, true)) changes.push_back(*change);
    }
    for (const auto& change : changes) judge(targets_.at(change.target), change.healthy);
    world_.after(10ms, [this] { probe_again(); });
  }

  void arrive(const Datagram& datagram, uint16_t port) {
    const test::Bytes frame = port == 0 ? test::from_outside(datagram.source, datagram.text, datagram.destination)
                                        : test::from_inside(datagram.source, datagram.text, datagram.destination);
    // Queues are dealt out anew now and then, as when a card's RSS table is rewritten.
    const auto deal = static_cast<size_t>(world_.now().time_since_epoch() / 40ms);
    const size_t queue = (std::hash<std::string>{}(datagram.source + datagram.destination) + deal) % worker_count_;
    benches_[queue]->io.inject(frame, port);
    ++injected_;
    turn_soon(queue, 1us);
  }
  void turn_soon(size_t worker, Duration delay) {
    if (benches_[worker]->due) return;
    benches_[worker]->due = true;
    world_.after(delay, [this, worker, life = life_] {
      if (life == life_) turn(worker);
    });
  }
  void turn(size_t worker) {
    Bench& bench = *benches_[worker];
    bench.due = false;
    now_ = world_.now();
    bench.worker->turn();
    for (const auto& frame : bench.io.take_sent()) {
      const test::Datagram out = test::read_back(frame.bytes);
      EXPECT_TRUE(out.lengths_right && out.ip_checksum_right && out.udp_checksum_right);
      world_.send({to_string(out.source), to_string(out.destination), out.payload});
    }
    if (mesh_->waiting() == 0) return;
    for (size_t other = 0; other < worker_count_; ++other) {
      if (other != worker) turn_soon(other, 20us);
    }
  }

  void check_accounts() {
    if (mesh_ == nullptr || mesh_->waiting() != 0) return;  // in the middle of something
    size_t gone = 0, waiting = 0;
    for (size_t i = 0; i < benches_.size(); ++i) {
      const telemetry::Ledger ledger = telemetry::ledger_of(benches_[i]->counters);
      EXPECT_TRUE(ledger.closes()) << "worker " << i << ": " << telemetry::to_string(ledger);
      const dataplane::MemoryIo& io = benches_[i]->io;
      gone += io.sent_count() + io.punted_count() + io.released_count();
      waiting += io.waiting();
    }
    EXPECT_EQ(gone + waiting, injected_) << "buffers";
  }

  World& world_;
  size_t worker_count_;
  core::Instant now_;  // the workers' clock
  const test::Folder folder_;
  const dataplane::View network_ = test::lab_view({.backend_count = backends_max});
  uint64_t life_ = 0;  // counts processes
  std::unique_ptr<control::Cluster> cluster_;
  std::unique_ptr<dataplane::View> published_;
  std::shared_ptr<const dataplane::Overload> overload_;
  std::atomic<const dataplane::View*> current_{nullptr};
  std::unique_ptr<dataplane::HandoffMesh> mesh_;
  std::vector<std::unique_ptr<Bench>> benches_;
  size_t injected_ = 0;
  health::Scheduler probes_;
  std::map<health::Scheduler::Target, std::string> targets_;
  std::function<bool(const std::string&)> alive_;
};

}  // namespace viaduct::scenarios
