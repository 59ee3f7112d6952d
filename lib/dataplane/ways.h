// The ways that a worker has lately sent on.
//
// Requests go to a handful of backends, so the route and the neighbour of nearly each of them are those of one a moment
// ago: a look at one slot instead of a walk through the prefix lengths. What is kept holds for one publication of the
// View, and only ways whose neighbour is known are kept.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "dataplane/view.h"
#include "net/address.h"

namespace viaduct::dataplane {

class Ways {
 public:
  // The hop toward `destination`, or nullptr if that is not known here. Thread: the worker.
  const NextHop* find(const View& view, const net::IpAddress& destination) {
    if (view.adjacency.get() != adjacency_ || view.epoch != epoch_) [[unlikely]]
      forget(view);
    const Way& way = ways_[slot_of(destination)];
    return way.hop.resolved && way.destination == destination ? &way.hop : nullptr;
  }
  // Of the View that was last asked about.
  void keep(const net::IpAddress& destination, const NextHop& hop) { ways_[slot_of(destination)] = {destination, hop}; }

 private:
  static constexpr size_t way_count = 256;
  struct alignas(32) Way {
    net::IpAddress destination;
    NextHop hop;
  };

  static size_t slot_of(const net::IpAddress& address) {
    uint64_t words[2];
    std::memcpy(words, address.bytes.data(), sizeof words);
    return ((words[0] ^ words[1]) * 0x9e3779b97f4a7c15) >> 56;
  }
  [[gnu::noinline]] void forget(const View& view) {
    ways_.fill({});
    adjacency_ = view.adjacency.get();
    epoch_ = view.epoch;
  }

  const Adjacency* adjacency_ = nullptr;
  uint64_t epoch_ = 0;
  std::array<Way, way_count> ways_{};
};

}  // namespace viaduct::dataplane
