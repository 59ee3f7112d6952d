// The ways that a worker has lately sent on.
//
// Who is answered was mostly answered a moment ago, and what a backend sends has to come by the way that leads to it:
// a look at one slot instead of a walk through the prefix lengths. Only ways whose neighbour is known are kept. What
// goes to backends asks only where nothing of it is kept (exits.h).
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
  const NextHop* find(const net::IpAddress& destination) const {
    const Way& way = ways_[slot_of(destination)];
    return way.hop.resolved && way.destination == destination ? &way.hop : nullptr;
  }
  void keep(const net::IpAddress& destination, const NextHop& hop) { ways_[slot_of(destination)] = {destination, hop}; }
  // Whatever was kept: it holds for one publication of the View.
  void forget() { ways_.fill({}); }

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

  std::array<Way, way_count> ways_{};
};

}  // namespace viaduct::dataplane
