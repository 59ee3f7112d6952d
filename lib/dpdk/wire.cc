#include "dpdk/wire.h"

#include <fmt/format.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <vector>

#include "dpdk/dpdk_io.h"
#include "dpdk/eal.h"
#include "dpdk/mempool.h"
#include "dpdk/port.h"

namespace viaduct::dpdk {
namespace {

using dataplane::Packet;

// One virtual call a burst.
class IoOnDpdk final : public Wire::Io {
 public:
  IoOnDpdk(PortQueue queue, Pools& pools, size_t need) : frames_(pools.frames(need)), io_({queue}, pools.headers()) {}

  size_t receive(std::span<Packet> packets) override { return io_.receive(packets); }
  size_t transmit(std::span<Packet> packets) override { return io_.transmit(packets); }
  void release(std::span<Packet> packets) override { io_.release(packets); }
  size_t allocate(std::span<Packet> packets) override {
    std::array<rte_mbuf*, allocation_max> mbufs;
    const size_t count = std::min(packets.size(), mbufs.size());
    if (rte_pktmbuf_alloc_bulk(frames_, mbufs.data(), static_cast<unsigned>(count)) != 0) return 0;
    for (size_t i = 0; i < count; ++i) {
      Packet& packet = packets[i] = {};
      packet.data = rte_pktmbuf_mtod(mbufs[i], uint8_t*);
      packet.headroom = mbufs[i]->data_off;
      packet.tailroom = rte_pktmbuf_tailroom(mbufs[i]);
      packet.handle = mbufs[i];
    }
    return count;
  }
  uint64_t oversized() const { return io_.oversized(0); }

 private:
  static constexpr size_t allocation_max = 256;
  rte_mempool* frames_;
  DpdkIo io_;
};

class WireOnDpdk final : public Wire {
 public:
  ~WireOnDpdk() override { join(); }
  core::Status open(const config::Config& config, uint32_t buffers);

  std::span<const PortInfo> ports() const override { return infos_; }
  PortStatistics port_statistics(size_t port) const override {
    PortStatistics statistics = ports_[port]->statistics();
    statistics.rx_errors += ios_[port]->oversized();
    return statistics;
  }
  Io& io(size_t port) override { return *ios_[port]; }

  core::Status launch(size_t worker, std::function<void()> work) override {
    work_[worker] = std::move(work);
    if (rte_eal_remote_launch(run, &work_[worker], Eal::lcore_of(worker)) != 0) {
      return core::Error{fmt::format("nothing can be started on worker {}: it still runs", worker)};
    }
    return core::Done{};
  }
  void join() override {
    for (size_t worker = 0; worker < work_.size(); ++worker) rte_eal_wait_lcore(Eal::lcore_of(worker));
  }

 private:
  static int run(void* work) {
    (*static_cast<std::function<void()>*>(work))();
    return 0;
  }

  std::unique_ptr<Eal> eal_;      // goes last
  std::unique_ptr<Pools> pools_;  // after the ports that hold their buffers
  std::vector<std::unique_ptr<Port>> ports_;
  std::vector<PortInfo> infos_;
  std::vector<std::unique_ptr<IoOnDpdk>> ios_;
  std::vector<std::function<void()>> work_;
};

core::Status WireOnDpdk::open(const config::Config& config, uint32_t buffers) {
  core::Result<std::unique_ptr<Eal>> eal = Eal::start(config);
  if (!eal) return core::Error{eal.error()};
  eal_ = std::move(*eal);
  std::vector<BufferNeed> needs;
  for (size_t i = 0; i < config.ports.size(); ++i) {
    core::Result<std::unique_ptr<Port>> port = Port::probe(config.ports[i], i, 1);
    if (!port) return core::Error{port.error()};
    ports_.push_back(std::move(*port));
    needs.push_back(ports_.back()->need());
    needs.back().descriptors += buffers;
  }
  core::Result<std::unique_ptr<Pools>> pools =
      Pools::create(needs, config.runtime.workers.size(), config.runtime.memory_mb);
  if (!pools) return core::Error{pools.error()};
  pools_ = std::move(*pools);
  for (size_t i = 0; i < ports_.size(); ++i) {
    if (core::Status status = ports_[i]->set_up(pools_->frames(i)); !status) return status;
    infos_.push_back(ports_[i]->info());
    ios_.push_back(std::make_unique<IoOnDpdk>(ports_[i]->queue_of(0), *pools_, i));
  }
  work_.resize(config.runtime.workers.size());
  return core::Done{};
}

}  // namespace

core::Result<std::unique_ptr<Wire>> Wire::open(const config::Config& config, uint32_t buffers) {
  auto wire = std::make_unique<WireOnDpdk>();
  if (core::Status status = wire->open(config, buffers); !status) return core::Error{status.error()};
  return std::unique_ptr<Wire>(std::move(wire));
}

}  // namespace viaduct::dpdk
