// Mbufs for frames that are copied out of a ring of others.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <span>

#include "telemetry/counters.h"

namespace viaduct::dpdk {

class BufferSupply {
 public:
  explicit BufferSupply(rte_mempool* frames) : frames_(frames) {}

  // For all of `out`, or for the first so many; frames that get none stay where they are. Thread: the worker's.
  uint16_t take(std::span<rte_mbuf*> out) {
    auto count = static_cast<uint16_t>(out.size());
    while (count != 0 && rte_pktmbuf_alloc_bulk(frames_, out.data(), count) != 0) count /= 2;
    const bool starving = count < out.size();
    if (starving && !starving_) shortages_.add();
    starving_ = starving;
    return count;
  }
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
