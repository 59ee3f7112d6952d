#include "dpdk/mempool.h"

#include <fmt/format.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <algorithm>
#include <new>

#include "dataplane/handoff.h"
#include "dataplane/packet.h"
#include "dpdk/log.h"

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

// With the header mbuf that goes with each frame when it leaves.
uint64_t bytes_of_one(const PoolPlan& plan) {
  const auto object = [](uint32_t bytes) { return rte_mempool_calc_obj_size(bytes, 0, nullptr) + sizeof(void*); };
  return object(static_cast<uint32_t>(sizeof(rte_mbuf)) + private_bytes + data_room(plan)) + object(sizeof(rte_mbuf));
}

uint64_t total(const std::vector<PoolPlan>& plans, uint64_t PoolPlan::*buffers) {
  uint64_t bytes = other_bytes;
  for (const PoolPlan& plan : plans) bytes += plan.*buffers * plan.bytes_each;
  return bytes;
}

// Gives every pool the same share of what is left between its minimum and its wish.
core::Status divide(std::vector<PoolPlan>& plans, uint32_t memory_mb) {
  const uint64_t budget = memory_mb * mebibyte;
  const uint64_t least = total(plans, &PoolPlan::minimum), most = total(plans, &PoolPlan::wanted);
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
                                                   uint32_t memory_mb) {
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
    plan.minimum = descriptors + workers * (cache_buffers * 3 / 2 + 4 * dataplane::burst_max) + 512;
    plan.wanted = plan.minimum + workers * (workers - 1) * dataplane::handoff_ring_packets;
    plan.bytes_each = bytes_of_one(plan);
  }
  if (core::Status status = divide(plans, memory_mb); !status) return core::Error{status.error()};

  forget_complaints();
  uint64_t headers = workers * cache_buffers * 3 / 2;
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
  rte_mempool_free(headers_);
}

size_t Pools::buffers() const {
  size_t count = 0;
  for (const rte_mempool* pool : pools_) count += pool->size;
  return count;
}

size_t Pools::free_buffers() const {
  size_t count = 0;
  for (const rte_mempool* pool : pools_) count += rte_mempool_avail_count(pool);
  return count;
}

}  // namespace viaduct::dpdk
