// A ring of records of any size, with one producer and one consumer.
//
// For what a worker tells the control thread in more words than an item of an SpscRing has room for. A record lies in
// one piece, so that it is written where it stays and read where it lies: where it does not fit before the ring's end,
// the rest is left empty and it starts anew at the front. The two indices count octets and only grow (Lamport,
// "Specifying concurrent program modules", 1983).
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include "core/bytes.h"
#include "core/cache_line.h"

namespace viaduct::core {

class RecordRing {
 public:
  // `capacity` octets, rounded up to a power of two. Asks for address space alone: what is never written takes no
  // memory.
  explicit RecordRing(size_t capacity) : mask_(std::bit_ceil(std::max(capacity, smallest)) - 1) {
    void* memory = mmap(nullptr, mask_ + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    bytes_ = static_cast<uint8_t*>(memory);
  }
  ~RecordRing() { munmap(bytes_, mask_ + 1); }
  RecordRing(const RecordRing&) = delete;
  RecordRing& operator=(const RecordRing&) = delete;

  // Where a record of `size` octets, 1 or more, may be written, 8-aligned; nullptr: there is no room for it. Nothing is
  // there for the consumer before `commit`; without one, the next `reserve` begins at the same place. Thread: the
  // producer.
  uint8_t* reserve(size_t size) {
    const size_t whole = whole_of(size);
    if (whole > (mask_ + 1) / 2) return nullptr;
    const size_t head = head_.load(std::memory_order_relaxed);
    const size_t to_end = mask_ + 1 - (head & mask_);
    skipped_ = to_end < whole ? to_end : 0;
    if (mask_ + 1 - (head - tail_seen_) < skipped_ + whole) {
      tail_seen_ = tail_.load(std::memory_order_acquire);
      if (mask_ + 1 - (head - tail_seen_) < skipped_ + whole) return nullptr;
    }
    if (skipped_ != 0) put(head, nothing_here);
    put(head + skipped_, static_cast<uint32_t>(size));
    reserved_ = skipped_ + whole;
    return at(head + skipped_) + prefix_bytes;
  }
  // The reserved record is whole. Thread: the producer.
  void commit() { head_.store(head_.load(std::memory_order_relaxed) + reserved_, std::memory_order_release); }

  // The oldest record, until `pop`; empty: there is none. Thread: the consumer.
  ByteView front() {
    for (;;) {
      const size_t tail = tail_.load(std::memory_order_relaxed);
      if (head_.load(std::memory_order_acquire) == tail) return {};
      uint32_t size;
      std::memcpy(&size, at(tail), sizeof size);
      if (size != nothing_here) return {at(tail) + prefix_bytes, size};
      tail_.store(tail + mask_ + 1 - (tail & mask_), std::memory_order_release);
    }
  }
  void pop() {
    const size_t size = whole_of(front().size());
    tail_.store(tail_.load(std::memory_order_relaxed) + size, std::memory_order_release);
  }

  size_t capacity() const { return mask_ + 1; }

 private:
  static constexpr size_t smallest = 4096;
  static constexpr size_t prefix_bytes = 8;  // the record's size, and a gap that keeps records 8-aligned
  static constexpr uint32_t nothing_here = UINT32_MAX;

  static size_t whole_of(size_t size) { return (prefix_bytes + size + 7) / 8 * 8; }
  uint8_t* at(size_t index) { return bytes_ + (index & mask_); }
  void put(size_t index, uint32_t value) { std::memcpy(at(index), &value, sizeof value); }

  const size_t mask_;
  uint8_t* bytes_;
  alignas(cache_line_bytes) std::atomic<size_t> head_{0};
  size_t tail_seen_ = 0, reserved_ = 0, skipped_ = 0;  // producer's
  alignas(cache_line_bytes) std::atomic<size_t> tail_{0};
};

}  // namespace viaduct::core
