// One device's loop: what is due leaves, what has come goes to the callers or to the reflector.
//
//   outbox refilled  ->  due calls, repetitions, delayed answers  ->  a burst received, answered into the outbox  ->
//   sent
//
// Responses are the callers', requests the reflector's, so both may share a device. Without either, or when told to
// sink, what comes is counted and freed unread. Datagrams in parts, as a balancer sends what exceeds its MTU, are put
// together first; what no host would take, for its checksums, is not taken here. No allocation, lock or system call
// (but what the clock needs).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "blast/blast_io.h"
#include "blast/counters.h"
#include "blast/intact.h"
#include "blast/outbox.h"
#include "blast/pacer.h"
#include "blast/parts.h"
#include "blast/uac.h"
#include "blast/uas.h"
#include "net/frame.h"
#include "net/ipv4.h"
#include "net/ipv6.h"

namespace viaduct::blast {

// Thread: one at a time.
template <BlastIo Io>
class Station {
 public:
  // `half_made_checksums`: udp_checksum_holds (intact.h).
  explicit Station(Io& io, bool half_made_checksums = false) : io_(io), half_made_checksums_(half_made_checksums) {}

  // Who lives here; nullptr: nobody. What is told to sink is not read.
  void set(Uac* uac, Pacer* pacer, Uas* uas, bool sink) { uac_ = uac, pacer_ = pacer, uas_ = uas, sink_ = sink; }

  // One loop, with the callable that tells the time. True if anything was done.
  template <class Now>
  bool turn(Now&& now) {
    return turn(now(), now);
  }
  // The same, where the time was just asked for: to ask again takes some 25 ns.
  template <class Now>
  bool turn(uint64_t now_ns, Now&& now) {
    outbox_.refill(io_);
    const size_t begun = begin(now_ns);
    size_t received = 0, sent = 0;
    // A call brings more messages than it starts with: as long as bursts are full, they come first.
    for (size_t bursts = 0; bursts < bursts_max; ++bursts) {
      const size_t burst = receive(now);
      received += burst;
      sent += flush();
      if (burst < dataplane::burst_max) break;
      outbox_.refill(io_);
    }
    return begun + received + sent != 0;
  }

  bool drained() const { return outbox_.empty(); }

  // Gives back everything. The station can be used again.
  void discard() {
    if (uac_ != nullptr) uac_->discard(io_);
    if (uas_ != nullptr) uas_->discard(io_);
    counters_.unsent.add(outbox_.discard(io_));
  }

  const StationCounters& counters() const { return counters_; }

 private:
  // What a burst may ask for: so that no answer is ever without room.
  static constexpr size_t room_needed =
      dataplane::burst_max * std::max(Uac::frames_per_answer, Uas::frames_per_request);
  static_assert(room_needed <= Outbox::stock_max - dataplane::burst_max);
  static constexpr uint64_t start_max = dataplane::burst_max;
  static constexpr size_t bursts_max = 8;

  size_t begin(uint64_t now_ns) {
    if (uas_ != nullptr) uas_->tick(now_ns, outbox_);
    if (uac_ == nullptr) return 0;
    uac_->tick(now_ns, outbox_);
    if (pacer_ == nullptr) return 0;
    const uint64_t due = pacer_->due(now_ns, std::min<uint64_t>(outbox_.room(), start_max));
    for (uint64_t i = 0; i < due; ++i) uac_->start(now_ns, outbox_);
    pacer_->started(due);
    return due;
  }

  template <class Now>
  size_t receive(Now& now) {
    if (!sink_ && outbox_.room() < room_needed) return 0;
    const std::span<dataplane::Packet> burst = std::span(burst_).first(io_.receive(burst_));
    if (burst.empty()) return 0;
    counters_.received.add(burst.size());
    uint64_t bytes = 0;
    for (const dataplane::Packet& packet : burst) bytes += packet.length;
    counters_.bytes_received.add(bytes);
    if (sink_) {
      for (const dataplane::Packet& packet : burst) sink(packet);
    } else {
      const uint64_t now_ns = now();
      for (const dataplane::Packet& packet : burst) deliver(packet, now_ns);
    }
    io_.release(burst);
    return burst.size();
  }

  // Enough to count by: EtherType, protocol, and the offset of a part, so that a datagram counts once.
  void sink(const dataplane::Packet& packet) {
    constexpr size_t type = 12, offset_v4 = 20, protocol_v4 = 23, next_header_v6 = 20, fragment_v6 = 54;
    const uint8_t* const at = packet.data;
    const auto word = [at](size_t where) { return unsigned{at[where]} << 8 | at[where + 1]; };
    bool is_udp = false, in_parts = false, goes_on = false;
    if (packet.length > protocol_v4 && word(type) == net::ethertype_ipv4) {
      is_udp = at[protocol_v4] == net::protocol_udp;
      in_parts = (word(offset_v4) & 0x3fff) != 0, goes_on = (word(offset_v4) & 0x1fff) != 0;
    } else if (packet.length > protocol_v4 && word(type) == net::ethertype_ipv6) {
      is_udp = at[next_header_v6] == net::protocol_udp;
      if (at[next_header_v6] == net::next_fragment && packet.length > fragment_v6 + 8) {
        is_udp = at[fragment_v6] == net::protocol_udp;
        in_parts = true, goes_on = (word(fragment_v6 + 2) & 0xfff8) != 0;
      }
    }
    if (!is_udp) return counters_.not_ours.add();
    if (in_parts) counters_.fragments.add();
    if (!goes_on) counters_.sunk.add();
  }

  void deliver(const dataplane::Packet& packet, uint64_t now_ns) {
    const core::ByteView bytes{packet.data, packet.length};
    net::FrameView frame;
    const net::FrameError error = net::parse_frame(bytes, frame);
    if (error == net::FrameError::zero_checksum_v6) return counters_.bad_checksum.add();
    if (error != net::FrameError::none && error != net::FrameError::fragment) return counters_.not_ours.add();
    if (!ip_checksum_holds(packet, bytes, frame)) return counters_.bad_checksum.add();
    if (error == net::FrameError::none) [[likely]] {
      if (packet.udp_checksum == dataplane::ChecksumState::good) return deliver(bytes, frame, now_ns);
      return deliver_checked(bytes, frame, now_ns);
    }
    counters_.fragments.add();
    const core::ByteView whole = parts_.take(bytes, frame, now_ns);
    if (whole.empty() || net::parse_frame(whole, frame) != net::FrameError::none) return;
    counters_.put_together.add();
    deliver_checked(whole, frame, now_ns);
  }

  void deliver_checked(core::ByteView bytes, const net::FrameView& frame, uint64_t now_ns) {
    if (!udp_checksum_holds(bytes, frame, half_made_checksums_)) return counters_.bad_checksum.add();
    deliver(bytes, frame, now_ns);
  }

  void deliver(core::ByteView bytes, const net::FrameView& frame, uint64_t now_ns) {
    const std::string_view payload = core::text_of(bytes.subspan(frame.payload, frame.payload_bytes));
    const bool response = payload.starts_with("SIP/2.0 ");
    if (uac_ != nullptr && (response || uas_ == nullptr)) {
      uac_->receive(payload, frame, now_ns, outbox_);
    } else if (uas_ != nullptr) {
      uas_->receive(payload, frame, now_ns, outbox_);
    }
  }

  size_t flush() {
    if (outbox_.empty()) return 0;
    const size_t sent = outbox_.flush(io_);
    counters_.sent.add(sent);
    counters_.loops.add();
    if (!outbox_.empty()) counters_.blocked.add();
    return sent;
  }

  Io& io_;
  const bool half_made_checksums_;
  Outbox outbox_;
  std::array<dataplane::Packet, dataplane::burst_max> burst_;
  Parts parts_;
  Uac* uac_ = nullptr;
  Pacer* pacer_ = nullptr;
  Uas* uas_ = nullptr;
  bool sink_ = false;
  StationCounters counters_;
};

}  // namespace viaduct::blast
