// Buffers for frames that are copied out of a ring of others.
#pragma once

#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "dpdk/bare_buffer.h"
#include "telemetry/counters.h"

namespace viaduct::dpdk {

class BufferSupply {
 public:
  explicit BufferSupply(rte_mempool* frames) : frames_(frames) {}

  // One for each of `out`, or for the first so many; frames that get none stay where they are. Thread: the worker's.
  uint16_t take(std::span<BareFrame> out) {
    std::array<void*, dataplane::burst_max> mbufs;
    auto count = static_cast<uint16_t>(std::min(out.size(), mbufs.size()));
    while (count != 0 && rte_mempool_get_bulk(frames_, mbufs.data(), count) != 0) count /= 2;
    for (size_t i = 0; i < count; ++i) out[i].mbuf = static_cast<rte_mbuf*>(mbufs[i]);
    const bool starving = count < out.size();
    if (starving && !starving_) shortages_.add();
    starving_ = starving;
    return count;
  }
  // Those of them that were not needed. Thread: the worker's.
  void give_back(std::span<const BareFrame> unused) {
    for (const BareFrame& frame : unused) rte_mempool_put(frames_, frame.mbuf);
  }
  rte_mempool* pool() const { return frames_; }
  // Octets of a frame that one holds.
  uint16_t room() const { return static_cast<uint16_t>(rte_pktmbuf_data_room_size(frames_) - RTE_PKTMBUF_HEADROOM); }
  // How often frames began to wait. Thread: any.
  uint64_t shortages() const { return shortages_.value(); }

 private:
  rte_mempool* const frames_;
  bool starving_ = false;
  telemetry::Counter shortages_;
};

}  // namespace viaduct::dpdk
