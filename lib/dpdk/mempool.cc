#include "dpdk/mempool.h"

#include <fmt/format.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <algorithm>
#include <new>

#include "dataplane/handoff.h"
#include "dataplane/packet.h"
#include "dataplane/waiting_room.h"
#include "dpdk/log.h"
#include "net/fragment_table.h"

namespace viaduct::dpdk {
namespace {

constexpr uint32_t cache_buffers = 256;               // of each worker, for each pool
constexpr uint64_t other_bytes = uint64_t{16} << 20;  // queues, rings, what EAL keeps
constexpr uint64_t mebibyte = uint64_t{1} << 20;

static_assert(private_bytes % RTE_MBUF_PRIV_ALIGN == 0);
static_assert(sizeof(rte_mbuf_ext_shared_info) <= shared_info_bytes);

struct PoolPlan {
  uint32_t frame_bytes = 0;
  int numa_node = -1;
  uint64_t minimum = 0;  // buffers without which ports starve
  uint64_t wanted = 0;   // and with every hand-off ring full
  uint64_t bytes_each = 0;
  uint64_t buffers = 0;
};

uint32_t data_room(const PoolPlan& plan) { return plan.frame_bytes + RTE_PKTMBUF_HEADROOM; }

// For what is put together from fragments. An external buffer, private area included, is counted in 16 bits.
constexpr uint32_t datagram_room = net::FragmentTable::frame_bytes_max + RTE_PKTMBUF_HEADROOM;
static_assert(datagram_room + private_headroom <= UINT16_MAX);

// With the header mbuf that goes with each frame when it leaves.
uint64_t bytes_of_one(uint32_t room) {
  const auto object = [](uint32_t bytes) { return rte_mempool_calc_obj_size(bytes, 0, nullptr) + sizeof(void*); };
  return object(static_cast<uint32_t>(sizeof(rte_mbuf)) + private_bytes + room) + object(sizeof(rte_mbuf));
}

uint64_t total(const std::vector<PoolPlan>& plans, uint64_t others, uint64_t PoolPlan::*buffers) {
  uint64_t bytes = others;
  for (const PoolPlan& plan : plans) bytes += plan.*buffers * plan.bytes_each;
  return bytes;
}

// Gives every pool the same share of what is left between its minimum and its wish.
core::Status divide(std::vector<PoolPlan>& plans, uint64_t others, uint32_t memory_mb) {
  const uint64_t budget = memory_mb * mebibyte;
  const uint64_t least = total(plans, others, &PoolPlan::minimum), most = total(plans, others, &PoolPlan::wanted);
  if (least > budget) {
    return core::Error{
        fmt::format("[runtime] memory_mb = {} is too little for these ports and workers; they need {}, and {} "
                    "for full hand-off rings",
                    memory_mb, least / mebibyte + 1, most / mebibyte + 1)};
  }
  const double share = most <= budget ? 1.0 : static_cast<double>(budget - least) / static_cast<double>(most - least);
  for (PoolPlan& plan : plans) {
    plan.buffers = plan.minimum + static_cast<uint64_t>(static_cast<double>(plan.wanted - plan.minimum) * share);
  }
  return core::Done{};
}

}  // namespace

core::Result<std::unique_ptr<Pools>> Pools::create(const std::vector<BufferNeed>& needs, size_t workers,
                                                   uint32_t memory_mb, size_t datagrams) {
  std::unique_ptr<Pools> pools(new Pools);
  std::vector<PoolPlan> plans;
  for (const BufferNeed& need : needs) {
    const auto same = [&](const PoolPlan& plan) {
      return plan.frame_bytes == need.frame_bytes && plan.numa_node == need.numa_node;
    };
    const auto found = std::find_if(plans.begin(), plans.end(), same);
    pools->pool_of_.push_back(static_cast<size_t>(found - plans.begin()));
    if (found != plans.end()) continue;
    plans.push_back({need.frame_bytes, need.numa_node});
  }
  // Any port may send what any other received, so every pool must be able to fill all queues.
  uint64_t descriptors = 0;
  for (const BufferNeed& need : needs) descriptors += need.descriptors;
  for (PoolPlan& plan : plans) {
    plan.minimum = descriptors +
                   workers * (cache_buffers * 3 / 2 + 4 * dataplane::burst_max + dataplane::WaitingRoom::capacity) +
                   512;
    plan.wanted = plan.minimum + workers * (workers - 1) * dataplane::handoff_ring_packets;
    plan.bytes_each = bytes_of_one(data_room(plan));
  }
  const uint64_t others = other_bytes + datagrams * bytes_of_one(datagram_room);
  if (core::Status status = divide(plans, others, memory_mb); !status) return core::Error{status.error()};

  forget_complaints();
  uint64_t headers = workers * cache_buffers * 3 / 2 + datagrams;
  for (size_t i = 0; i < plans.size(); ++i) {
    const PoolPlan& plan = plans[i];
    rte_mempool* pool =
        rte_pktmbuf_pool_create(fmt::format("frames{}", i).c_str(), static_cast<unsigned>(plan.buffers), cache_buffers,
                                private_bytes, static_cast<uint16_t>(data_room(plan)), plan.numa_node);
    if (pool == nullptr) {
      return core::Error{
          fmt::format("no memory for {} buffers of {} bytes: {}{}; a larger [runtime] memory_mb would help",
                      plan.buffers, data_room(plan), rte_strerror(rte_errno), complaints())};
    }
    pools->pools_.push_back(pool);
    headers += plan.buffers;
  }
  if (datagrams != 0) {
    pools->datagrams_ = rte_pktmbuf_pool_create("datagrams", static_cast<unsigned>(datagrams), 0, private_bytes,
                                                static_cast<uint16_t>(datagram_room), SOCKET_ID_ANY);
    if (pools->datagrams_ == nullptr) {
      return core::Error{
          fmt::format("no memory for {} datagrams put together from fragments: {}{}; a larger [runtime] "
                      "memory_mb would help",
                      datagrams, rte_strerror(rte_errno), complaints())};
    }
  }
  pools->headers_ =
      rte_pktmbuf_pool_create("headers", static_cast<unsigned>(headers), cache_buffers, 0, 0, SOCKET_ID_ANY);
  if (pools->headers_ == nullptr) {
    return core::Error{fmt::format("no memory for {} header buffers: {}{}; a larger [runtime] memory_mb would help",
                                   headers, rte_strerror(rte_errno), complaints())};
  }
  return pools;
}

Pools::~Pools() {
  for (rte_mempool* pool : pools_) rte_mempool_free(pool);
  rte_mempool_free(datagrams_);
  rte_mempool_free(headers_);
}

std::vector<rte_mempool*> Pools::by_size() const {
  std::vector<rte_mempool*> pools = pools_;
  if (datagrams_ != nullptr) pools.push_back(datagrams_);
  std::stable_sort(pools.begin(), pools.end(), [](rte_mempool* left, rte_mempool* right) {
    return rte_pktmbuf_data_room_size(left) < rte_pktmbuf_data_room_size(right);
  });
  return pools;
}

size_t Pools::buffers() const {
  size_t count = datagrams_ == nullptr ? 0 : datagrams_->size;
  for (const rte_mempool* pool : pools_) count += pool->size;
  return count;
}

size_t Pools::free_buffers() const {
  size_t count = datagrams_ == nullptr ? 0 : rte_mempool_avail_count(datagrams_);
  for (const rte_mempool* pool : pools_) count += rte_mempool_avail_count(pool);
  return count;
}

}  // namespace viaduct::dpdk
