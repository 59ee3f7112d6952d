// A PacketIo in memory, for tests, benchmarks and everything offline.
//
// Frames are injected from one side and collected on the other. Not thread-safe: inject and collect on the worker's
// thread, or while it does not run.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "dataplane/packet.h"
#include "dataplane/packet_buffers.h"
#include "dataplane/packet_io.h"

namespace viaduct::dataplane {

class MemoryIo {
 public:
  struct Options {
    PacketBuffers::Room room = {};
    bool keep = true;                 // what is sent and punted can be collected; else it is only counted
    size_t transmit_room = SIZE_MAX;  // frames until the transmit queue is full
    size_t make_room = SIZE_MAX;      // packets until no buffer is free
    size_t berths = 0;                // places a port offers at once for what leaves
    uint32_t berth_bytes = 2048;
  };
  struct Frame {
    uint16_t port = 0;
    std::vector<uint8_t> bytes;
    ChecksumState ip_checksum = ChecksumState::unknown;
    ChecksumState udp_checksum = ChecksumState::unknown;
  };

  MemoryIo() : MemoryIo(Options{}) {}
  explicit MemoryIo(const Options& options) : options_(options), buffers_(options.room) {}
  MemoryIo(const MemoryIo&) = delete;
  MemoryIo& operator=(const MemoryIo&) = delete;
  ~MemoryIo() { release(std::span(inbox_).subspan(next_)); }

  // Queues a copy of the frame as received by `port`.
  Packet& inject(core::ByteView frame, uint16_t port = 0) { return inbox_.emplace_back(buffers_.take(frame, port)); }
  void inject(const Frame& frame) {
    Packet& packet = inject(frame.bytes, frame.port);
    packet.ip_checksum = frame.ip_checksum;
    packet.udp_checksum = frame.udp_checksum;
  }

  // What has left since the last call, in order.
  std::vector<Frame> take_sent() { return std::exchange(sent_, {}); }
  std::vector<Frame> take_punted() { return std::exchange(punted_, {}); }

  size_t sent_count() const { return sent_count_; }
  size_t punted_count() const { return punted_count_; }
  size_t released_count() const { return released_count_; }
  size_t made_count() const { return made_count_; }
  size_t waiting() const { return inbox_.size() - next_; }

  // PacketIo
  Berths& berths() { return berths_; }
  size_t receive(std::span<Packet> packets) {
    berths_.begin();
    const size_t count = std::min(packets.size(), waiting());
    std::copy_n(inbox_.begin() + static_cast<std::ptrdiff_t>(next_), count, packets.begin());
    next_ += count;
    if (next_ == inbox_.size()) inbox_.clear(), next_ = 0;
    return count;
  }
  size_t transmit(std::span<Packet> packets) {
    const size_t count = std::min(packets.size(), options_.transmit_room);
    if (options_.transmit_room != SIZE_MAX) options_.transmit_room -= count;
    if (options_.berths != 0) moor(packets.first(count));
    for (Packet& packet : packets.first(count)) keep(packet, sent_);
    berths_.begin();
    sent_count_ += count;
    return count;
  }
  void punt(std::span<Packet> packets) {
    for (Packet& packet : packets) keep(packet, punted_);
    punted_count_ += packets.size();
  }
  bool make(Packet& packet, size_t bytes) {
    if (made_count_ == options_.make_room) return false;
    packet = buffers_.make(bytes);
    ++made_count_;
    return true;
  }
  void release(std::span<Packet> packets) {
    for (Packet& packet : packets) buffers_.give_back(packet);
    released_count_ += packets.size();
  }

 private:
  static constexpr size_t ports_max = 64;

  static size_t find_berths(void* memory, uint16_t port, size_t passed, std::span<Berth> out) {
    auto& io = *static_cast<MemoryIo*>(memory);
    size_t count = 0;
    for (; count < out.size() && passed + count < io.options_.berths; ++count) {
      out[count] = {.data = io.place(port, passed + count).data(), .bytes = io.options_.berth_bytes};
    }
    return count;
  }
  std::vector<uint8_t>& place(uint16_t port, size_t number) {
    std::vector<std::vector<uint8_t>>& places = places_[port];
    while (places.size() <= number) places.emplace_back(options_.berth_bytes);
    return places[number];
  }
  // As a port that copies does: what is not in its place comes to be there.
  void moor(std::span<Packet> packets) {
    std::array<size_t, ports_max> passed{};
    for (Packet& packet : packets) {
      std::vector<uint8_t>& to = place(packet.port, passed[packet.port]++);
      if (packet.data == to.data() || packet.length > to.size()) continue;
      std::copy_n(packet.data, packet.length, to.data());
      packet.data = to.data();
    }
  }
  void keep(Packet& packet, std::vector<Frame>& frames) {
    if (options_.keep) {
      frames.push_back(
          {packet.port, {packet.data, packet.data + packet.length}, packet.ip_checksum, packet.udp_checksum});
    }
    buffers_.give_back(packet);
  }

  Options options_;
  PacketBuffers buffers_;
  std::array<std::vector<std::vector<uint8_t>>, ports_max> places_;
  Berths berths_{ports_max, this, find_berths};
  std::vector<Packet> inbox_;
  size_t next_ = 0;  // first of inbox_ that waits
  std::vector<Frame> sent_, punted_;
  size_t sent_count_ = 0, punted_count_ = 0, released_count_ = 0, made_count_ = 0;
};
static_assert(MakesPackets<MemoryIo> && HasBerths<MemoryIo>);

}  // namespace viaduct::dataplane
