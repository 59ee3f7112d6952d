// A ring of a memif, from our end.
//
// A ring has as many slots as descriptors, and each slot has a buffer. Who owns the buffers, the client, gives them to
// the server to be filled or to be read; so the counts of a ring mean another thing in each direction:
//
//   to the server    head: filled by the client         tail: read by the server
//   to the client    head: lent out by the client        tail: filled by the server
//
// Each end writes one of the two counts. With `credit`, a whole ring of slots for who owns the buffers and none for who
// does not, both directions are one: a reader finds frames up to the other's count, and returns its own count plus
// credit; a writer has room up to the other's count plus credit.
//
// The other process may write to all of this at any time. So what it says is read once, and checked against the memory
// that there is; the owner of the buffers does not ask where they are. Who shares memory with us is still believed not
// to cut off a file below us that is not sealed against it, which would end this process, and not to fill up the
// eventfd that it wants to be woken by and have it block, which would hang a worker.
#pragma once

#include <cstdint>
#include <vector>

#include "dpdk/file.h"
#include "dpdk/memif_protocol.h"
#include "dpdk/memif_region.h"
#include "dpdk/transmit_lock.h"

namespace viaduct::dpdk {

// Thread: the worker that has it; of a ring to send that several have, who holds `lock`.
class MemifRing {
 public:
  // A slot's buffer. Without `data` the other end told of one that does not exist.
  struct Piece {
    uint8_t* data = nullptr;
    uint32_t bytes = 0;  // of what is in it, or of what it holds
    bool more = false;
    uint32_t room() const { return data == nullptr ? 0 : bytes; }
  };

  // Of a ring whose buffers, of `buffer_bytes` each, are ours.
  MemifRing(memif::Ring* ring, uint16_t slots, bool reads, uint8_t* buffers, uint32_t buffer_bytes, File bell);
  // Of one whose buffers are the other end's, in `regions`.
  MemifRing(memif::Ring* ring, uint16_t slots, bool reads, const std::vector<MemifRegion>* regions, File bell);

  // Slots that wait to be read, or to be written: at least `wanted` if there are as many.
  uint16_t available(size_t wanted) {
    if (seen() < wanted) limit_ = static_cast<uint16_t>(load(theirs_) + (reads_ ? 0 : credit_));
    return seen();
  }
  uint16_t slots() const { return slots_; }
  // Looks for more than are known of.
  uint16_t look_for_more() { return available(size_t{slots_} + 1); }
  // The `ahead`-th of those. What it says is copied before it is looked at.
  Piece piece(uint16_t ahead) const {
    memif::Descriptor told;
    __builtin_memcpy(&told, &descriptor(ahead), sizeof(told));
    Piece piece{.bytes = told.length, .more = (told.flags & memif::Descriptor::more) != 0};
    if (buffers_ != nullptr) {
      if (!reads_) piece.bytes = buffer_bytes_;
      if (piece.bytes <= buffer_bytes_) piece.data = buffers_ + size_t{buffer_bytes_} * slot(ahead);
    } else if (told.region < regions_->size()) {
      piece.data = (*regions_)[told.region].at(told.offset, told.length);
    }
    return piece;
  }
  // What the `ahead`-th slot now has in it.
  void fill(uint16_t ahead, uint32_t bytes, bool more) {
    memif::Descriptor& to = descriptor(ahead);
    to.length = bytes;
    to.flags = more ? memif::Descriptor::more : 0;
  }
  // The first `count` slots are the other end's now.
  void pass(uint16_t count);
  // For a reader that sleeps, which none of ours does.
  void ring_bell();

  TransmitLock lock;

 private:
  static uint16_t load(const uint16_t* count) { return __atomic_load_n(count, __ATOMIC_ACQUIRE); }
  uint16_t seen() const {
    const auto count = static_cast<uint16_t>(limit_ - cursor_);
    return count <= slots_ ? count : 0;  // else the other end counts wrong
  }
  uint16_t slot(uint16_t ahead) const { return static_cast<uint16_t>((cursor_ + ahead) & (slots_ - 1)); }
  memif::Descriptor& descriptor(uint16_t ahead) const { return descriptors_[slot(ahead)]; }

  memif::Ring* const ring_;
  memif::Descriptor* const descriptors_;
  uint16_t* const mine_;
  const uint16_t* const theirs_;
  const uint16_t slots_;
  const uint16_t credit_;
  const bool reads_;
  uint16_t cursor_ = 0;  // the slot that is next
  uint16_t limit_ = 0;   // and the first that is not ours, when last looked
  uint8_t* const buffers_ = nullptr;
  const uint32_t buffer_bytes_ = 0;
  const std::vector<MemifRegion>* const regions_ = nullptr;
  const File bell_;
};

}  // namespace viaduct::dpdk
