#include "dpdk/runtime.h"

#include <fmt/format.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include <atomic>
#include <fstream>
#include <random>
#include <string>

#include "dataplane/handoff.h"
#include "dataplane/worker.h"
#include "dpdk/dpdk_io.h"
#include "dpdk/eal.h"
#include "dpdk/mempool.h"
#include "dpdk/port.h"
#include "dpdk/qsbr.h"

namespace viaduct::dpdk {
namespace {

using DpdkWorker = dataplane::Worker<DpdkIo, Publisher::Report>;

// Datagrams put together from fragments that one worker may have in hand, in its hand-off rings and at its ports.
constexpr size_t datagrams_per_worker = 64;

// Of this process alone: what it hashes is seen by nobody.
steer::HashKey random_key() {
  std::random_device device;
  const auto word = [&] { return uint64_t{device()} << 32 | device(); };
  return {word(), word()};
}

// Names the machine and its present run.
std::string boot_id() {
  std::string id;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), id);
  return id;
}

class RuntimeOnDpdk;

// A worker's place: what it has for itself, and what outlives its thread.
struct Seat {
  Seat(RuntimeOnDpdk& owner, size_t index, std::vector<PortQueue> queues, const Pools& pools)
      : runtime(owner), worker(index), io(std::move(queues), pools.headers(), pools.by_size()) {}

  RuntimeOnDpdk& runtime;
  const size_t worker;
  DpdkIo io;
  dataplane::WantedNeighbors wanted;
  dataplane::WantedNames names;
  dataplane::UnreachableHints hints;
  telemetry::WorkerCounters counters;
  dataplane::Watch watch{boot_id()};
  dataplane::Tap tap;
};

class RuntimeOnDpdk final : public Runtime {
 public:
  explicit RuntimeOnDpdk(const config::Runtime& config) : config_(config), mesh_(config.workers.size()) {}
  ~RuntimeOnDpdk() override { stop(); }

  core::Status open(const config::Config& config);

  std::span<const PortInfo> ports() const override { return infos_; }
  PortStatistics port_statistics(size_t port) const override;
  core::Status start(std::shared_ptr<const dataplane::View> view) override;
  void publish(std::shared_ptr<const dataplane::View> view) override { publisher_->publish(std::move(view)); }
  void reclaim() override {
    publisher_->reclaim();
    path_mtus_.expire(core::SteadyClock().now());
  }
  void stop() override;
  size_t worker_count() const override { return config_.workers.size(); }
  unsigned worker_lcore(size_t worker) const override { return config_.workers[worker]; }
  const telemetry::WorkerCounters& counters(size_t worker) const override { return seats_[worker]->counters; }
  dataplane::Watch* watch(size_t worker) override { return &seats_[worker]->watch; }
  dataplane::Tap* tap(size_t worker) override { return &seats_[worker]->tap; }
  size_t handoff_waiting() const override { return mesh_.waiting(); }
  std::vector<int> twins() const override;
  size_t serve_twins() override;
  size_t take_wanted(std::span<WantedNeighbor> out) override;
  size_t take_wanted_names(std::span<WantedName> out) override;
  size_t take_unreachable(std::span<net::Endpoint> out) override;

 private:
  enum class Phase : uint8_t { opened, running, stopped };
  static int run_worker(void* seat);

  const config::Runtime config_;
  std::unique_ptr<Eal> eal_;      // goes last
  std::unique_ptr<Pools> pools_;  // after the ports that hold their buffers
  std::vector<std::unique_ptr<Port>> ports_;
  std::vector<PortInfo> infos_;
  std::unique_ptr<Publisher> publisher_;
  dataplane::HandoffMesh mesh_;
  dataplane::PathMtus path_mtus_{random_key()};
  std::vector<std::unique_ptr<Seat>> seats_;
  size_t first_wishing_ = 0;  // the worker whose wishes are taken first
  std::atomic<bool> stop_{false};
  Phase phase_ = Phase::opened;
};

core::Status RuntimeOnDpdk::open(const config::Config& config) {
  core::Result<std::unique_ptr<Eal>> eal = Eal::start(config);
  if (!eal) return core::Error{eal.error()};
  eal_ = std::move(*eal);

  const size_t workers = config_.workers.size();
  std::vector<BufferNeed> needs;
  for (size_t i = 0; i < config.ports.size(); ++i) {
    core::Result<std::unique_ptr<Port>> port = Port::probe(config.ports[i], i, workers);
    if (!port) return core::Error{port.error()};
    ports_.push_back(std::move(*port));
    needs.push_back(ports_.back()->need());
  }
  core::Result<std::unique_ptr<Pools>> pools = Pools::create(
      needs, workers, config_.memory_mb, config_.reassembly.entries != 0 ? workers * datagrams_per_worker : 0);
  if (!pools) return core::Error{pools.error()};
  pools_ = std::move(*pools);
  for (size_t i = 0; i < ports_.size(); ++i) {
    if (core::Status status = ports_[i]->set_up(pools_->frames(i)); !status) return status;
    infos_.push_back(ports_[i]->info());
  }

  core::Result<std::unique_ptr<Publisher>> publisher = Publisher::create(workers);
  if (!publisher) return core::Error{publisher.error()};
  publisher_ = std::move(*publisher);
  for (size_t worker = 0; worker < workers; ++worker) {
    std::vector<PortQueue> queues;
    for (const std::unique_ptr<Port>& port : ports_) queues.push_back(port->queue_of(worker));
    seats_.push_back(std::make_unique<Seat>(*this, worker, std::move(queues), *pools_));
  }
  return core::Done{};
}

// On the worker's own core, which so is the first to touch its memory.
int RuntimeOnDpdk::run_worker(void* argument) {
  Seat& seat = *static_cast<Seat*>(argument);
  RuntimeOnDpdk& runtime = seat.runtime;
  Publisher& publisher = *runtime.publisher_;
  const auto idle =
      runtime.config_.idle == config::IdleMode::adaptive ? dataplane::Idle::adaptive : dataplane::Idle::poll;
  publisher.enter(seat.worker);
  {
    const config::Reassembly& reassembly = runtime.config_.reassembly;
    const dataplane::WorkerPlace place{.worker = seat.worker,
                                       .mesh = runtime.mesh_,
                                       .view = publisher.current(),
                                       .counters = seat.counters,
                                       .wanted = &seat.wanted,
                                       .idle = idle,
                                       .names = &seat.names,
                                       .reassembly = {.entries = reassembly.entries, .timeout = reassembly.timeout},
                                       .path_mtus = &runtime.path_mtus_,
                                       .hints = &seat.hints,
                                       .watch = &seat.watch,
                                       .tap = &seat.tap};
    const auto worker = std::make_unique<DpdkWorker>(place, seat.io, publisher.report_of(seat.worker));
    worker->run(runtime.stop_);
  }
  publisher.leave(seat.worker);
  return 0;
}

core::Status RuntimeOnDpdk::start(std::shared_ptr<const dataplane::View> view) {
  if (phase_ != Phase::opened) return core::Error{"the workers have been started already"};
  publisher_->publish(std::move(view));
  phase_ = Phase::running;
  for (const std::unique_ptr<Seat>& seat : seats_) {
    if (rte_eal_remote_launch(run_worker, seat.get(), Eal::lcore_of(seat->worker)) != 0) {
      stop();
      return core::Error{fmt::format("the worker on core {} does not start", worker_lcore(seat->worker))};
    }
  }
  return core::Done{};
}

void RuntimeOnDpdk::stop() {
  if (phase_ != Phase::running) return;
  stop_.store(true, std::memory_order_relaxed);
  for (const std::unique_ptr<Seat>& seat : seats_) rte_eal_wait_lcore(Eal::lcore_of(seat->worker));
  phase_ = Phase::stopped;
  publisher_->reclaim();
}

std::vector<int> RuntimeOnDpdk::twins() const {
  std::vector<int> descriptors;
  for (const std::unique_ptr<Port>& port : ports_) {
    const ExceptionPath* const path = port->exception_path();
    if (path != nullptr && path->fd() >= 0) descriptors.push_back(path->fd());
  }
  return descriptors;
}

size_t RuntimeOnDpdk::serve_twins() {
  size_t left = 0;
  for (const std::unique_ptr<Port>& port : ports_) {
    ExceptionPath* const path = port->exception_path();
    if (path == nullptr) continue;
    path->serve();
    left += path->fd() >= 0 ? 1 : 0;
  }
  return left;
}

PortStatistics RuntimeOnDpdk::port_statistics(size_t port) const {
  PortStatistics statistics = ports_[port]->statistics();
  for (const std::unique_ptr<Seat>& seat : seats_) statistics.rx_errors += seat->io.oversized(port);
  return statistics;
}

size_t RuntimeOnDpdk::take_wanted(std::span<WantedNeighbor> out) {
  size_t count = 0;
  for (size_t i = 0; i < seats_.size(); ++i) {
    count += seats_[(first_wishing_ + i) % seats_.size()]->wanted.take(out.subspan(count));
  }
  if (!seats_.empty()) first_wishing_ = (first_wishing_ + 1) % seats_.size();
  return count;
}

size_t RuntimeOnDpdk::take_unreachable(std::span<net::Endpoint> out) {
  size_t count = 0;
  for (const std::unique_ptr<Seat>& seat : seats_) count += seat->hints.take(out.subspan(count));
  return count;
}

size_t RuntimeOnDpdk::take_wanted_names(std::span<WantedName> out) {
  size_t count = 0;
  for (const std::unique_ptr<Seat>& seat : seats_) count += seat->names.take(out.subspan(count));
  return count;
}

}  // namespace

core::Result<std::unique_ptr<Runtime>> Runtime::open(const config::Config& config) {
  auto runtime = std::make_unique<RuntimeOnDpdk>(config.runtime);
  if (core::Status status = runtime->open(config); !status) return core::Error{status.error()};
  return std::unique_ptr<Runtime>(std::move(runtime));
}

}  // namespace viaduct::dpdk
