// Frames that leave a fixed time later: a queue, for what came first leaves first. Bounded; memory is made beforehand.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "blast/outbox.h"

namespace viaduct::blast {

class DelayLine {
 public:
  // A `delay_ns` of 0 holds nothing back.
  DelayLine(uint64_t delay_ns, size_t frames)
      : delay_ns_(delay_ns),
        frames_(frames),
        mask_(std::bit_ceil(delay_ns == 0 ? size_t{1} : frames) - 1),
        held_(std::make_unique<Held[]>(mask_ + 1)) {}

  size_t size() const { return head_ - tail_; }
  // How many more can be held.
  size_t room() const { return delay_ns_ == 0 ? SIZE_MAX : frames_ - size(); }

  // The blank of `outbox` has been written: it leaves now, or `delay` later. Not without `room`. `mark` is told when it
  // leaves.
  void send(size_t length, uint64_t now_ns, Outbox& outbox, uint64_t mark = 0) {
    if (delay_ns_ == 0) return outbox.send(length);
    held_[head_++ & mask_] = {now_ns + delay_ns_, mark, outbox.take(length)};
  }

  void tick(uint64_t now_ns, Outbox& outbox) {
    tick(now_ns, outbox, [](uint64_t, const dataplane::Packet&) {});
  }
  // The same; `leaves` is called with the mark and the frame of each that does.
  template <class Leaves>
  void tick(uint64_t now_ns, Outbox& outbox, Leaves&& leaves) {
    while (tail_ != head_ && held_[tail_ & mask_].due_ns <= now_ns && outbox.ready_room() != 0) {
      const Held& held = held_[tail_++ & mask_];
      leaves(held.mark, held.packet);
      outbox.send(held.packet);
    }
  }

  // Gives back what is held; how many frames that was.
  template <BlastIo Io>
  size_t discard(Io& io) {
    const size_t count = size();
    for (; tail_ != head_; ++tail_) io.release(std::span(&held_[tail_ & mask_].packet, 1));
    return count;
  }

 private:
  struct Held {
    uint64_t due_ns = 0, mark = 0;
    dataplane::Packet packet;
  };
  uint64_t delay_ns_;
  size_t frames_;
  size_t mask_;
  std::unique_ptr<Held[]> held_;
  size_t head_ = 0, tail_ = 0;
};

}  // namespace viaduct::blast
