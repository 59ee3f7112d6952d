// Neighbours that a worker could not reach: wishes to the control plane.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/spsc_ring.h"
#include "net/address.h"

namespace viaduct::dataplane {

// A worker found no link address for a neighbour: the kernel should ask for it.
struct WantedNeighbor {
  uint16_t port = 0;
  net::IpAddress address;
};

// Bounded: a wish that finds the ring full is lost, and the next packet repeats it. Producer: the worker. Consumer:
// control.
class WantedNeighbors {
 public:
  explicit WantedNeighbors(size_t capacity = 256) : ring_(capacity) {}

  // A flood toward one silent neighbour must not crowd out the others' wishes: the same wish twice in a row is one wish
  // as long as the first still waits. Thread: the worker.
  void want(uint16_t port, const net::IpAddress& address) {
    const WantedNeighbor wish{port, address};
    if (port == last_.port && address == last_.address && ring_.size() != 0) return;
    last_ = wish;
    ring_.push({&wish, 1});
  }

  // Fills the front of `out` and says how many. Thread: control.
  size_t take(std::span<WantedNeighbor> out) { return ring_.pop(out); }

 private:
  core::SpscRing<WantedNeighbor> ring_;
  WantedNeighbor last_;
};

}  // namespace viaduct::dataplane
