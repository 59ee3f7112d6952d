// Buffers for frames: how many, how large, and whether they fit.
//
//   | rte_mbuf 128 | private 448                        | headroom 128 | frame ...        |
//                  | shared info 32 | more headroom 416 |
//
// A message that passes a proxy grows at its front by a Via and a Record-Route, often by more than the 128 bytes that
// Debian's DPDK leaves before a frame. The private area before the buffer belongs to us; a frame that has grown into it
// leaves as an external buffer of a header mbuf (dpdk_io.h), and the body never moves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/result.h"

struct rte_mempool;

namespace viaduct::dpdk {

inline constexpr uint16_t private_bytes = 448;
inline constexpr uint16_t shared_info_bytes = 32;  // rte_mbuf_ext_shared_info, rounded up
inline constexpr uint16_t private_headroom = private_bytes - shared_info_bytes;

// What one port needs.
struct BufferNeed {
  uint32_t frame_bytes = 2048;  // a buffer holds, headroom not counted
  int numa_node = -1;           // -1: any
  uint32_t descriptors = 0;     // buffers the driver may hold, over all queues
};

class Pools {
 public:
  // One pool for each size and NUMA node among `needs`, and one for so many datagrams put together from fragments,
  // within `memory_mb`. If it does not hold what is needed to run, the error says how much does.
  static core::Result<std::unique_ptr<Pools>> create(const std::vector<BufferNeed>& needs, size_t workers,
                                                     uint32_t memory_mb, size_t datagrams = 0);
  ~Pools();
  Pools(const Pools&) = delete;
  Pools& operator=(const Pools&) = delete;

  // For frames of the port with the `need`-th need.
  rte_mempool* frames(size_t need) const { return pools_[pool_of_[need]]; }
  // For packets that no port received, by size: the smallest first.
  std::vector<rte_mempool*> by_size() const;
  // mbufs without a buffer of their own.
  rte_mempool* headers() const { return headers_; }
  // Over all pools: what was made, and what is free now.
  size_t buffers() const;
  size_t free_buffers() const;

 private:
  Pools() = default;
  std::vector<rte_mempool*> pools_;
  std::vector<size_t> pool_of_;
  rte_mempool* datagrams_ = nullptr;
  rte_mempool* headers_ = nullptr;
};

}  // namespace viaduct::dpdk
