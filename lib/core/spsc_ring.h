// A ring with one producer and one consumer.
//
// The hand-off between two workers: one ring for each ordered pair, so no ring ever has two writers and
// no operation needs more than one acquire load and one release store (Lamport, "Specifying concurrent
// program modules", 1983). Both sides keep a cached copy of the other's index on their own cache line
// and look at the shared one only when the cached one says full or empty; in a steady flow the two
// cores exchange a line once a burst instead of once an item.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>

#include "core/cache_line.h"

namespace viaduct::core {

template <class T>
class SpscRing {
  static_assert(std::is_trivially_copyable_v<T>, "a popped item stays in its slot: it must own nothing");

 public:
  // `capacity` is rounded up to a power of two. Allocates; everything after does not.
  explicit SpscRing(size_t capacity) : mask_(std::bit_ceil(capacity) - 1), slots_(std::make_unique<T[]>(mask_ + 1)) {}

  // Takes as many of `items` as there is room for and says how many. Thread: the producer.
  size_t push(std::span<const T> items) {
    const size_t head = head_.load(std::memory_order_relaxed);
    if (mask_ + 1 - (head - tail_seen_) < items.size()) {
      tail_seen_ = tail_.load(std::memory_order_acquire);
    }
    const size_t count = std::min(items.size(), mask_ + 1 - (head - tail_seen_));
    if (count == 0) return 0;
    for (size_t i = 0; i < count; ++i) slots_[(head + i) & mask_] = items[i];
    head_.store(head + count, std::memory_order_release);
    return count;
  }

  // Fills the front of `items` and says how many. Thread: the consumer.
  size_t pop(std::span<T> items) {
    const size_t tail = tail_.load(std::memory_order_relaxed);
    if (head_seen_ - tail < items.size()) head_seen_ = head_.load(std::memory_order_acquire);
    const size_t count = std::min(items.size(), head_seen_ - tail);
    if (count == 0) return 0;  // a poll of an empty ring writes nothing
    for (size_t i = 0; i < count; ++i) items[i] = slots_[(tail + i) & mask_];
    tail_.store(tail + count, std::memory_order_release);
    return count;
  }

  // How many items wait. For the consumer at least so many, for the producer at most; for others, a moment old.
  // Thread: any.
  size_t size() const {
    const size_t tail = tail_.load(std::memory_order_acquire);
    // Between the two loads both sides may have moved on by more than the ring holds.
    return std::min(head_.load(std::memory_order_acquire) - tail, capacity());
  }
  size_t capacity() const { return mask_ + 1; }

 private:
  const size_t mask_;
  const std::unique_ptr<T[]> slots_;
  alignas(cache_line_bytes) std::atomic<size_t> head_{0};
  size_t tail_seen_ = 0;  // producer's
  alignas(cache_line_bytes) std::atomic<size_t> tail_{0};
  size_t head_seen_ = 0;  // consumer's
};

}  // namespace viaduct::core
