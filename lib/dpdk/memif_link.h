// What two ends of a memif share while they are connected: regions of memory, and the rings in it. The client makes it,
// the server takes it over piece by piece as it is told of.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/result.h"
#include "dpdk/memif_protocol.h"
#include "dpdk/memif_region.h"
#include "dpdk/memif_ring.h"

namespace viaduct::dpdk {

// Workers use it; the control thread makes it, and lets go of it when they do not any more.
class MemifLink {
 public:
  struct Shape {
    uint16_t pairs = 1;  // of rings, one in each direction
    uint8_t log2_slots = 10;
    uint32_t buffer_bytes = 2048;
  };
  // A client's: all memory, laid out as DPDK's driver does it.
  static core::Result<std::unique_ptr<MemifLink>> make(const Shape& shape);
  // A server's, to which the client adds.
  MemifLink() = default;
  MemifLink(const MemifLink&) = delete;
  MemifLink& operator=(const MemifLink&) = delete;

  // What the client says, in words if it cannot be.
  core::Status add_region(const memif::AddRegion& said, File file);
  core::Status add_ring(const memif::AddRing& said, File bell);

  std::vector<std::unique_ptr<MemifRing>> incoming, outgoing;  // by index

  // Of a client, to be told to the server.
  const std::vector<MemifRegion>& regions() const { return regions_; }
  struct Place {
    memif::AddRing ring;
    int bell;
  };
  const std::vector<Place>& places() const { return places_; }

 private:
  std::vector<MemifRegion> regions_;
  std::vector<Place> places_;
};

}  // namespace viaduct::dpdk
