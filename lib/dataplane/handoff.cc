#include "dataplane/handoff.h"

namespace viaduct::dataplane {

HandoffMesh::HandoffMesh(size_t worker_count, size_t ring_packets) : worker_count_(worker_count) {
  rings_.resize(worker_count * worker_count);
  for (size_t to = 0; to < worker_count; ++to) {
    for (size_t from = 0; from < worker_count; ++from) {
      if (from != to) rings_[to * worker_count + from] = std::make_unique<Ring>(ring_packets);
    }
  }
}

size_t HandoffMesh::waiting() const {
  size_t total = 0;
  for (const std::unique_ptr<Ring>& ring : rings_) {
    if (ring) total += ring->size();
  }
  return total;
}

}  // namespace viaduct::dataplane
