// Mbufs for frames that are copied out of a ring of others.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <span>

#include "telemetry/counters.h"

namespace viaduct::dpdk {

class BufferSupply {
 public:
  explicit BufferSupply(rte_mempool* frames) : frames_(frames) {
    rte_mbuf blank{};
    blank.data_off = RTE_PKTMBUF_HEADROOM;
    blank.port = RTE_MBUF_PORT_INVALID;
    blank.nb_segs = 1;
    rte_mbuf_refcnt_set(&blank, 1);
    __builtin_memcpy(&blank_, &blank.rearm_data, sizeof blank_);
  }

  // For all of `out`, or for the first so many; frames that get none stay where they are. Of an mbuf only what others
  // may have left otherwise is set, as drivers do it: lengths are the caller's. Thread: the worker's.
  uint16_t take(std::span<rte_mbuf*> out) {
    auto count = static_cast<uint16_t>(out.size());
    auto* const mbufs = reinterpret_cast<void**>(out.data());
    while (count != 0 && rte_mempool_get_bulk(frames_, mbufs, count) != 0) count /= 2;
    for (rte_mbuf* const mbuf : out.first(count)) {
      __builtin_memcpy(&mbuf->rearm_data, &blank_, sizeof blank_);
      mbuf->ol_flags = 0;
    }
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
  uint64_t blank_ = 0;  // data_off, refcnt, nb_segs and port of a fresh one
  bool starving_ = false;
  telemetry::Counter shortages_;
};

}  // namespace viaduct::dpdk
