// A PacketIo that receives the same traffic over and over and throws away what is sent.
//
// As from a NIC, each message is written into a buffer before the worker sees it: when it is received, or ahead of
// time, as a card would do that while the worker does something else. Buffers come back as mbufs come back to their
// mempool: one that another worker sent travels home through a ring. What leaves may have places of its own, as a
// memif's frames have.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "core/spsc_ring.h"
#include "dataplane/packet.h"
#include "traffic.h"

namespace viaduct::bench {

class LoopIo {
 public:
  static constexpr size_t headroom = 576;
  static constexpr size_t buffer_bytes = 4096;
  static constexpr size_t buffer_count = 4096;

  // Receives every `step`th message from `first` on.
  explicit LoopIo(const std::vector<Arriving>& traffic, size_t first = 0, size_t step = 1)
      : traffic_(traffic), next_(first), step_(step), memory_(buffer_count * buffer_bytes), homeward_(buffer_count) {
    for (size_t i = 0; i < buffer_count; ++i) spare_.push_back(memory_.data() + i * buffer_bytes);
  }

  // Where buffers of the other worker's go. At most two workers.
  void meet(LoopIo& other) { other_ = &other; }
  void receive_nothing() { silent_ = true; }
  void receive_at_most(size_t burst) { most_ = burst; }
  void offer_berths() { places_.resize(port_count * place_count * place_bytes); }

  // Writes the next `count` messages: these are what `receive` finds, and nothing else until they are gone. Not
  // together with another worker.
  void fill(size_t count) {
    waiting_.resize(count);
    write(waiting_);
    next_waiting_ = 0;
  }

  size_t receive(std::span<dataplane::Packet> packets) {
    if (silent_) return 0;
    packets = packets.first(std::min(packets.size(), most_));
    if (next_waiting_ < waiting_.size()) {
      const size_t count = std::min(packets.size(), waiting_.size() - next_waiting_);
      std::copy_n(waiting_.data() + next_waiting_, count, packets.data());
      next_waiting_ += count;
      return count;
    }
    if (spare_.size() < packets.size() && !come_home(packets.size())) return 0;
    write(packets);
    return packets.size();
  }
  size_t transmit(std::span<dataplane::Packet> packets) {
    first_place_ = (first_place_ + packets.size()) % place_count;
    berths_.begin();
    release(packets);
    return packets.size();
  }
  dataplane::Berths& berths() { return berths_; }
  void punt(std::span<dataplane::Packet> packets) { release(packets); }
  void release(std::span<dataplane::Packet> packets) {
    for (const dataplane::Packet& packet : packets) {
      auto* const buffer = static_cast<uint8_t*>(packet.handle);
      if (is_mine(buffer)) {
        spare_.push_back(buffer);
      } else {
        other_->homeward_.push({&buffer, 1});  // it has room for all there are
      }
    }
  }

 private:
  static constexpr size_t port_count = 2, place_count = 1024, place_bytes = 2048;

  static size_t find_berths(void* loop, uint16_t port, size_t passed, std::span<dataplane::Berth> out) {
    auto& io = *static_cast<LoopIo*>(loop);
    if (io.places_.empty()) return 0;
    for (size_t i = 0; i < out.size(); ++i) {
      const size_t place = (io.first_place_ + passed + i) % place_count;
      out[i] = {.data = &io.places_[(port * place_count + place) * place_bytes], .bytes = place_bytes};
    }
    return out.size();
  }
  void write(std::span<dataplane::Packet> packets) {
    for (dataplane::Packet& packet : packets) {
      const Arriving& frame = traffic_[next_];
      next_ = (next_ + step_) % message_count;
      uint8_t* const buffer = spare_.back();
      spare_.pop_back();
      packet = {};
      packet.data = buffer + headroom;
      packet.length = static_cast<uint32_t>(frame.bytes.size());
      packet.headroom = headroom;
      packet.tailroom = static_cast<uint16_t>(buffer_bytes - headroom - frame.bytes.size());
      packet.port = frame.port;
      packet.handle = buffer;
      std::memcpy(packet.data, frame.bytes.data(), frame.bytes.size());
    }
  }
  bool is_mine(const uint8_t* buffer) const {
    return buffer >= memory_.data() && buffer < memory_.data() + memory_.size();
  }
  bool come_home(size_t wanted) {
    uint8_t* buffers[dataplane::burst_max];
    while (const size_t count = homeward_.pop(buffers)) spare_.insert(spare_.end(), buffers, buffers + count);
    return spare_.size() >= wanted;
  }

  const std::vector<Arriving>& traffic_;
  size_t next_;
  const size_t step_;
  std::vector<uint8_t> memory_;
  std::vector<uint8_t*> spare_;
  std::vector<dataplane::Packet> waiting_;
  size_t next_waiting_ = 0;
  size_t most_ = dataplane::burst_max;
  std::vector<uint8_t> places_;
  size_t first_place_ = 0;
  dataplane::Berths berths_{port_count, this, find_berths};
  core::SpscRing<uint8_t*> homeward_;
  LoopIo* other_ = nullptr;
  bool silent_ = false;
};

// A worker with everything it needs.
struct Bench {
  Bench(const dataplane::View& view, dataplane::HandoffMesh& mesh, const std::vector<Arriving>& traffic,
        size_t index = 0, dataplane::Watch* watch = nullptr, dataplane::Tap* tap = nullptr)
      : current(&view), io(traffic, index, mesh.worker_count()) {
    worker = std::make_unique<dataplane::Worker<LoopIo>>(
        dataplane::WorkerPlace{
            .worker = index, .mesh = mesh, .view = current, .counters = *counters, .watch = watch, .tap = tap},
        io);
  }
  std::atomic<const dataplane::View*> current;
  std::unique_ptr<telemetry::WorkerCounters> counters = std::make_unique<telemetry::WorkerCounters>();
  LoopIo io;
  std::unique_ptr<dataplane::Worker<LoopIo>> worker;
};

}  // namespace viaduct::bench
