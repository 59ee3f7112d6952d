// A BlastIo in memory, for tests and benchmarks: what one end sends, the other receives.
//
// An end without a peer counts what it sends and forgets it. Not thread-safe: both ends on one thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <vector>

#include "blast/blast_io.h"
#include "dataplane/packet_buffers.h"

namespace viaduct::blast {

class MemoryWire {
 public:
  // What becomes of a frame on its way: how often it arrives.
  using Fate = std::function<size_t(core::ByteView frame)>;

  MemoryWire() : buffers_({.head = 128, .tail = 10240}) {}
  MemoryWire(const MemoryWire&) = delete;
  MemoryWire& operator=(const MemoryWire&) = delete;
  ~MemoryWire() {
    for (dataplane::Packet& packet : inbox_) buffers_.give_back(packet);
  }

  void connect(MemoryWire& peer) { peer_ = &peer, peer.peer_ = this; }
  void set_fate(Fate fate) { fate_ = std::move(fate); }
  void inject(core::ByteView frame) { inbox_.push_back(buffers_.take(frame, 0)); }

  size_t sent_count() const { return sent_count_; }
  size_t waiting() const { return inbox_.size(); }
  size_t transmit_room = SIZE_MAX;  // frames until it takes no more
  bool keep = false;                // what is sent is kept in `sent`
  std::vector<std::vector<uint8_t>> sent;

  // BlastIo
  size_t receive(std::span<dataplane::Packet> packets) {
    const size_t count = std::min(packets.size(), inbox_.size());
    std::copy_n(inbox_.begin(), count, packets.begin());
    inbox_.erase(inbox_.begin(), inbox_.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }
  size_t transmit(std::span<dataplane::Packet> packets) {
    const size_t count = std::min(packets.size(), transmit_room);
    if (transmit_room != SIZE_MAX) transmit_room -= count;
    for (dataplane::Packet& packet : packets.first(count)) {
      const core::ByteView frame{packet.data, packet.length};
      if (keep) sent.emplace_back(frame.begin(), frame.end());
      if (peer_ != nullptr) {
        for (size_t times = fate_ ? fate_(frame) : 1; times != 0; --times) peer_->inject(frame);
      }
      buffers_.give_back(packet);
    }
    sent_count_ += count;
    return count;
  }
  void punt(std::span<dataplane::Packet> packets) { release(packets); }
  void release(std::span<dataplane::Packet> packets) {
    for (dataplane::Packet& packet : packets) buffers_.give_back(packet);
  }
  size_t allocate(std::span<dataplane::Packet> packets) {
    for (dataplane::Packet& packet : packets) packet = buffers_.take({}, 0);
    return packets.size();
  }

 private:
  dataplane::PacketBuffers buffers_;
  std::deque<dataplane::Packet> inbox_;
  MemoryWire* peer_ = nullptr;
  Fate fate_;
  size_t sent_count_ = 0;
};
static_assert(BlastIo<MemoryWire>);

}  // namespace viaduct::blast
