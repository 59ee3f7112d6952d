// Neighbours that a worker could not reach and names that it could not resolve: wishes to the control plane.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

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

// A worker met a host name that nobody has resolved: the control plane should look it up. `text` is lower case, `host`
// or `host:port`.
struct WantedName {
  std::array<char, 262> characters;
  uint16_t size = 0;
  std::string_view text() const { return {characters.data(), size}; }
};

// Bounded like the above; names are rare, and each is wished for until it is known.
class WantedNames {
 public:
  explicit WantedNames(size_t capacity = 64) : ring_(capacity) {}

  // Names longer than fit are no names. Thread: the worker.
  void want(std::string_view name) {
    WantedName wish;
    if (name.empty() || name.size() > wish.characters.size()) return;
    name.copy(wish.characters.data(), name.size());
    wish.size = static_cast<uint16_t>(name.size());
    ring_.push({&wish, 1});
  }

  // Fills the front of `out` and says how many. Thread: control.
  size_t take(std::span<WantedName> out) { return ring_.pop(out); }

 private:
  core::SpscRing<WantedName> ring_;
};

}  // namespace viaduct::dataplane
