// A worker's fragments: parts in, whole datagrams out (rule LBG-19).
//
// All parts of a datagram meet at one worker, which the keyed hash of their source, destination and identification
// names: a NIC that spreads by ports sends the first part elsewhere than the others, which have none. The whole
// datagram then goes the way of any message that arrives, to the worker that owns its call.
//
// In the ledger every part is absorbed, or dropped for a fault of its own; the datagram that they make, or that is
// given up, is generated once and then settled like any other. Its UDP checksum is the only witness that the parts
// belong together (RFC 6864 section 4.3, RFC 4963), so here, and only here, it is verified.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "core/clock.h"
#include "dataplane/packet.h"
#include "dataplane/view.h"
#include "net/fragment_table.h"
#include "net/frame.h"
#include "telemetry/counters.h"
#include "telemetry/reason.h"

namespace viaduct::dataplane {

struct ReassemblyLimits {
  uint32_t entries = 0;  // datagrams under way at one worker; 0: fragments are dropped
  std::chrono::nanoseconds timeout = std::chrono::seconds(2);
};

// Names the datagram of which `packet` holds a part; 0 if that cannot be read, and anybody may refuse it. Thread: any.
uint64_t fragment_hash(const Packet& packet, const net::FrameView& frame, const View& view);

// Thread: the worker.
class Reassembler {
 public:
  Reassembler(const ReassemblyLimits& limits, telemetry::WorkerCounters& counters);

  bool on() const { return table_ != nullptr; }
  // Something waits, and `expire` must be called now and then.
  bool busy() const { return table_ != nullptr && !table_->empty(); }

  // Takes what it needs of the packet, which is a fragment for us, and books it. True: a datagram became whole, and
  // must be taken by `write` or given up by `refuse` before the next call.
  bool take(const Packet& packet, const View& view, core::Instant now);
  size_t frame_bytes() const { return table_->frame_bytes(whole_); }
  // Makes `blank` the frame of the whole datagram. False: its checksum is wrong, which is booked.
  bool write(Packet& blank, core::Instant now);
  void refuse(telemetry::Reason reason, core::Instant now);

  void expire(core::Instant now);
  // Gives up what waits, and books it as `shutdown`.
  void clear();

 private:
  void give_up(telemetry::Reason reason, uint64_t datagrams = 1);
  void book_losses();

  telemetry::WorkerCounters& counters_;
  std::unique_ptr<net::FragmentTable> table_;
  uint32_t whole_ = 0;
};

}  // namespace viaduct::dataplane
