// Packets on their way from the worker that received them to the worker that owns their call.
//
// A trunk between two SIP servers is one 5-tuple and therefore one NIC queue; what spreads it over the workers is this
// mesh: one ring for each ordered pair, so that every ring has one producer and one consumer. What travels is the
// packet, not what was found out about it: whoever receives it looks for the Call-ID alone (call_key.h), and the owner
// frames and parses it. A parse is several hundred bytes of offsets that would have to cross between the cores' caches
// as the message itself must; and so the owner judges with the one View that it holds.
//
// A handed packet is never handed on, whatever its owner thinks of its key: no packet can wander.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/spsc_ring.h"
#include "dataplane/packet.h"

namespace viaduct::dataplane {

// A power of two: many bursts, so that a descheduled owner costs latency before it costs packets.
inline constexpr size_t handoff_ring_packets = 1024;

class HandoffMesh {
 public:
  explicit HandoffMesh(size_t worker_count, size_t ring_packets = handoff_ring_packets);

  size_t worker_count() const { return worker_count_; }

  // Takes as many as there is room for and says how many; the rest is still the caller's. Thread: worker `from`.
  size_t push(size_t from, size_t to, std::span<const Packet> packets) { return ring(from, to).push(packets); }
  // Fills the front of `packets`. Thread: worker `to`.
  size_t pop(size_t from, size_t to, std::span<Packet> packets) { return ring(from, to).pop(packets); }

  // The caller hands nothing over any more. Thread: each worker, once, when it stops.
  void retire() { retired_.fetch_add(1, std::memory_order_release); }
  // Nobody hands anything over any more: what is in the rings now is all there is. Thread: any.
  bool all_retired() const { return retired_.load(std::memory_order_acquire) == worker_count_; }

  // How many packets wait in all rings, a moment old. Thread: any.
  size_t waiting() const;

 private:
  using Ring = core::SpscRing<Packet>;
  Ring& ring(size_t from, size_t to) { return *rings_[to * worker_count_ + from]; }

  size_t worker_count_;
  std::vector<std::unique_ptr<Ring>> rings_;  // by consumer, then producer; none from a worker to itself
  std::atomic<size_t> retired_{0};
};

// The worker that owns messages with this hash: multiply-shift, uniform over any number of workers.
constexpr size_t owner_of(uint64_t affinity_hash, size_t worker_count) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<size_t>((static_cast<Wide>(affinity_hash) * worker_count) >> 64);
}

}  // namespace viaduct::dataplane
