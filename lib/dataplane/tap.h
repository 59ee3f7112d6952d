// Copies of what passes, for whoever captures.
//
// Two copies of a message: as it came (after reassembly), before anything in it is rewritten, and as it leaves. Both
// bear what became of it, so the first is held back until that is known. A copy is written once into the worker's ring,
// however many want it; where the ring is full, or the worker is flooded, copies are left out and counted, and messages
// go their way.
//
// While nobody captures, all of it costs a branch or two a message.
#pragma once

#include <cstddef>
#include <cstdint>

#include "capture/record.h"
#include "capture/sampling.h"
#include "capture/taps.h"
#include "core/clock.h"
#include "core/record_ring.h"
#include "dataplane/packet.h"
#include "dataplane/view.h"
#include "net/frame.h"
#include "proxy/decision.h"
#include "sip/message.h"
#include "telemetry/counters.h"
#include "telemetry/reason.h"

namespace viaduct::dataplane {

// What one worker has for the control thread; outlives both worker and View.
struct Tap {
  static constexpr size_t ring_bytes = 4 << 20;

  core::RecordRing ring{ring_bytes};
  telemetry::Counter copied;   // written into the ring
  telemetry::Counter lost;     // wanted, but the ring was full
  telemetry::Counter skipped;  // packets that were not looked at, because the worker was flooded
};

// Thread: the worker; no allocation.
class TapStage {
 public:
  // `tap` may be nullptr: nothing is captured.
  TapStage(Tap* tap, size_t worker) : tap_(tap), worker_(static_cast<uint16_t>(worker)) {}

  // Before a burst of so many packets, in which somebody captures; `rest`, if nobody does.
  void begin(const capture::Taps& taps, core::Instant now, const telemetry::WorkerCounters& counters, size_t packets) {
    taps_ = nullptr;
    if (tap_ == nullptr) return;
    if (!telemetry::optional_work(counters)) [[unlikely]] {
      tap_->skipped.add(packets);
      return;
    }
    taps_ = &taps;
    time_ns_ = static_cast<uint64_t>(now.time_since_epoch().count());
  }
  void rest() { taps_ = nullptr; }

  struct Subject {
    const Packet& packet;
    const net::FrameView& frame;
    const sip::Message* message = nullptr;      // nullptr: not read, or no SIP message
    const proxy::Arrival* arrival = nullptr;    // nullptr: it did not come so far
    const proxy::Decision* decision = nullptr;  // nullptr: nothing was decided
  };

  // Whether anybody's sample holds this message: of nearly all of them, all there is to ask. nullptr: it was not read,
  // or is no SIP message. What follows is asked of the message whose answer was yes.
  bool samples(const sip::Message* message) {
    if (taps_ == nullptr) return false;
    hash_ = message == nullptr ? 0 : capture::sampling_hash(message->text(message->call_id));
    return taps_->sampled(hash_);
  }
  // It ends here for `reason`.
  void ended(const Subject& subject, telemetry::Reason reason, const View& view);
  // It, or our answer to it, is about to be written and leave, or `waits` for a link address first.
  void arrived(const Subject& subject, bool waits, const View& view);
  // It has been written: `packet` leaves. If it does not, `ended` takes back what `arrived` did.
  void departed(const Packet& packet, const proxy::Decision& decision, const View& view) {
    if (pending_.wanted_by != 0) commit_departed(packet, decision, view);
  }

 private:
  bool write(const capture::RecordHead& head, const capture::RecordNames& names, core::ByteView frame);
  void commit();
  void commit_departed(const Packet& packet, const proxy::Decision& decision, const View& view);
  bool take(const Subject& subject, const capture::Seen& seen, capture::RecordHead& head);

  Tap* const tap_;
  const uint16_t worker_;
  const capture::Taps* taps_ = nullptr;  // of the burst; nullptr: nobody captures
  uint64_t time_ns_ = 0;
  uint64_t hash_ = 0;            // of the message that is asked about
  capture::RecordHead pending_;  // of what has arrived; `wanted_by` 0: nobody wants it
  capture::RecordNames names_;
  bool is_written_ = false;  // the copy of what has arrived waits to be committed
};

}  // namespace viaduct::dataplane
