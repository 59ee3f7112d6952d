// What a turn of the loop writes: a stock of blanks, and the frames that are ready to leave, in order.
//
// It is what lets the callers and the reflector be plain code that knows no device. The loop fills the stock before and
// sends after them; what the device does not take stays, and as long as much stays nothing new is begun: so a slow
// device slows the generator, and nothing is lost in between.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "blast/blast_io.h"
#include "core/bytes.h"
#include "dataplane/packet.h"

namespace viaduct::blast {

class Outbox {
 public:
  static constexpr size_t stock_max = 256;
  static constexpr size_t ready_max = 512;

  // How many frames can be written now.
  size_t room() const { return std::min(blank_count_, ready_max - ready_count_); }
  bool empty() const { return ready_count_ == 0; }

  // Where the next frame is written; `room` is not 0.
  core::ByteSpan blank() const {
    const dataplane::Packet& packet = blanks_[blank_count_ - 1];
    return {packet.data, packet.tailroom};
  }
  // The frame has been written and leaves next; its bytes stay readable until the loop sends.
  void send(size_t length) { ready_[ready_count_++] = take(length); }
  // The frame has been written and is the caller's.
  dataplane::Packet take(size_t length) {
    dataplane::Packet packet = blanks_[--blank_count_];
    packet.length = static_cast<uint32_t>(length);
    packet.ip_checksum = packet.udp_checksum = dataplane::ChecksumState::good;
    return packet;
  }
  // A frame that was taken before leaves next. `ready_room` is not 0.
  void send(const dataplane::Packet& packet) { ready_[ready_count_++] = packet; }
  size_t ready_room() const { return ready_max - ready_count_; }

  template <BlastIo Io>
  void refill(Io& io) {
    if (blank_count_ > stock_max - dataplane::burst_max) return;
    blank_count_ += io.allocate(std::span(blanks_).subspan(blank_count_));
  }

  // Sends in bursts until the device takes no more; the number of frames taken.
  template <BlastIo Io>
  size_t flush(Io& io) {
    size_t sent = 0;
    while (sent < ready_count_) {
      const size_t burst = std::min(ready_count_ - sent, dataplane::burst_max);
      const size_t taken = io.transmit(std::span(ready_).subspan(sent, burst));
      sent += taken;
      if (taken < burst) break;
    }
    if (sent != 0 && sent < ready_count_) {
      std::copy(ready_.begin() + static_cast<std::ptrdiff_t>(sent),
                ready_.begin() + static_cast<std::ptrdiff_t>(ready_count_), ready_.begin());
    }
    ready_count_ -= sent;
    return sent;
  }

  // Gives everything back; the number of frames that were ready.
  template <BlastIo Io>
  size_t discard(Io& io) {
    const size_t unsent = ready_count_;
    io.release(std::span(ready_).first(ready_count_));
    io.release(std::span(blanks_).first(blank_count_));
    ready_count_ = blank_count_ = 0;
    return unsent;
  }

 private:
  std::array<dataplane::Packet, stock_max> blanks_;  // the last is the next, whose bytes may still be cached
  std::array<dataplane::Packet, ready_max> ready_;
  size_t blank_count_ = 0, ready_count_ = 0;
};

}  // namespace viaduct::blast
