#include "dpdk/memif_ring.h"

#include <atomic>

namespace viaduct::dpdk {

MemifRing::MemifRing(memif::Ring* ring, uint16_t slots, bool reads, uint8_t* buffers, uint32_t buffer_bytes, File bell)
    : ring_(ring),
      descriptors_(reinterpret_cast<memif::Descriptor*>(ring + 1)),
      mine_(&ring->head),
      theirs_(&ring->tail),
      slots_(slots),
      credit_(slots),
      reads_(reads),
      buffers_(buffers),
      buffer_bytes_(buffer_bytes),
      bell_(std::move(bell)) {}

MemifRing::MemifRing(memif::Ring* ring, uint16_t slots, bool reads, const std::vector<MemifRegion>* regions, File bell)
    : ring_(ring),
      descriptors_(reinterpret_cast<memif::Descriptor*>(ring + 1)),
      mine_(&ring->tail),
      theirs_(&ring->head),
      slots_(slots),
      credit_(0),
      reads_(reads),
      regions_(regions),
      bell_(std::move(bell)) {}

void MemifRing::pass(uint16_t count) {
  // Buffers that are lent out again are as large as ever.
  if (reads_ && buffers_ != nullptr) {
    for (uint16_t i = 0; i < count; ++i) fill(i, buffer_bytes_, false);
  }
  cursor_ = static_cast<uint16_t>(cursor_ + count);
  __atomic_store_n(mine_, static_cast<uint16_t>(cursor_ + (reads_ ? credit_ : 0)), __ATOMIC_RELEASE);
}

void MemifRing::ring_bell() {
  std::atomic_thread_fence(std::memory_order_seq_cst);  // who goes to sleep says so, and then looks once more
  if ((__atomic_load_n(&ring_->flags, __ATOMIC_RELAXED) & memif::Ring::no_interrupts) != 0) return;
  const uint64_t once = 1;
  (void)!write(bell_.fd(), &once, sizeof(once));
}

}  // namespace viaduct::dpdk
