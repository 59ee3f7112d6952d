// One worker's rings of a memif, whichever link stands.
//
// DPDK has a driver for this (net_memif). What is different here:
//
//   links come and go    A client connects again when the server has started anew. A server takes as many pairs of
//                        rings as the client makes, up to one a worker; DPDK's does not say how many there are.
//   nothing is believed  Descriptors, lengths and counts are the other process's, and are checked (memif_link.h).
//   what leaves          may be written where it will lie (dataplane/berths.h).
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "dataplane/berths.h"
#include "dpdk/buffer_supply.h"
#include "dpdk/memif_end.h"
#include "dpdk/outgoing_frame.h"
#include "dpdk/runtime.h"
#include "telemetry/counters.h"

namespace viaduct::dpdk {

class MemifQueue {
 public:
  // What it receives is written to buffers of `frames`.
  MemifQueue(MemifEnd& end, size_t worker, rte_mempool* frames);
  MemifQueue(const MemifQueue&) = delete;
  MemifQueue& operator=(const MemifQueue&) = delete;

  // Frames, oldest first; the caller owns their buffers. At most dataplane::burst_max. Follows the link: what is sent
  // goes where it stood when last received. Thread: the worker's.
  uint16_t receive(std::span<BareFrame> out);
  // Where the frames behind the next `passed` ones can be written before they are sent: how many places there are.
  // Thread: the worker's.
  size_t berths(size_t passed, std::span<dataplane::Berth> out);
  // Sends the first so many; those not sent found no room, or no link. What lies in its place already is not copied.
  // Thread: the worker's.
  uint16_t transmit(std::span<const OutgoingFrame> frames);

  // Of the buffers.
  rte_mempool* pool() const { return supply_.pool(); }

  // Since it was made. Thread: any.
  PortStatistics statistics() const;

 private:
  void follow();
  uint16_t gather(uint16_t first, uint16_t ready, BareFrame& frame, bool& whole);
  uint16_t put(uint16_t first, uint16_t room, const OutgoingFrame& frame);
  uint16_t put_in_pieces(uint16_t first, uint16_t room, const OutgoingFrame& frame);

  const std::atomic<MemifLink*>& offered_;
  MemifEnd::Sight& sight_;
  const size_t worker_, workers_;
  BufferSupply supply_;
  const uint16_t room_;  // of a buffer of ours
  MemifLink* link_ = nullptr;
  MemifRing* incoming_ = nullptr;
  MemifRing* outgoing_ = nullptr;
  bool shares_outgoing_ = false;
  telemetry::Counter received_, bytes_received_, sent_, bytes_sent_, refused_;
};

}  // namespace viaduct::dpdk
