// Requests sent again while nobody answers (RFC 3261 section 17.1: after T1, then twice as long each time). An INVITE
// is not repeated once it has a provisional answer (17.1.1.2); the others go on, at most T2 apart (17.1.2.2).
//
// Nothing is repeated once its transaction is given up, after 64 T1.
//
// For functional runs over a network that loses. A copy of each request waits in a slot; slots are few and fixed, and a
// request that finds none is simply not repeated, which is counted. All INVITEs wait the same time for their first
// repetition, and again for their second, and so do all others: so a queue for each repetition of the two is in order,
// and there is no timer to search.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "blast/call_window.h"
#include "blast/outbox.h"

namespace viaduct::blast {

class Retransmitter {
 public:
  // As many as fit into 64 T1 where T1 is 500 ms; of an INVITE, whose intervals go on to double, six.
  static constexpr uint32_t times_max = 10;

  struct Options {
    uint32_t times = 0;  // 0: off; at most `times_max`
    uint64_t t1_ns = 500'000'000;
    uint32_t slots = 16384;
    uint32_t frame_bytes = 2048;
  };

  explicit Retransmitter(const Options& options) : options_(options) {
    if (options.times == 0) return;
    slots_.resize(options.slots);
    bytes_.resize(size_t{options.slots} * options.frame_bytes);
    for (uint32_t i = 0; i < options.slots; ++i) free_.push_back(i);
    queues_.assign(size_t{2} * options.times, Queue(options.slots));
  }

  bool on() const { return options_.times != 0; }

  // A request has been sent; false: no slot is free.
  bool remember(uint64_t number, Leg leg, bool invite, core::ByteView frame, uint64_t now_ns) {
    if (free_.empty() || frame.size() > options_.frame_bytes) return false;
    const uint32_t slot = free_.back();
    free_.pop_back();
    std::memcpy(bytes_of(slot), frame.data(), frame.size());
    slots_[slot] = {now_ns, now_ns + options_.t1_ns, number, static_cast<uint32_t>(frame.size()), leg, invite};
    queues_[invite ? 0 : 1].push(slot);
    return true;
  }

  // Sends what is due and still waits for an answer in `window`; returns how many.
  size_t tick(uint64_t now_ns, const CallWindow& window, Outbox& outbox) {
    size_t sent = 0;
    for (size_t which = 0; which < queues_.size(); ++which) {
      Queue& queue = queues_[which];
      while (!queue.empty() && slots_[queue.front()].due_ns <= now_ns) {
        const uint32_t slot = queue.front();
        Slot& entry = slots_[slot];
        const bool waits =
            entry.invite ? window.unheard(entry.number, entry.leg) : window.waits(entry.number, entry.leg);
        if (waits) {
          if (outbox.room() == 0) return sent;
          std::memcpy(outbox.blank().data(), bytes_of(slot), entry.length);
          outbox.send(entry.length);
          ++sent;
        }
        queue.pop();
        const uint64_t due_ns = now_ns + interval(which / 2 + 1, entry.invite);
        if (waits && which + 2 < queues_.size() && due_ns - entry.begin_ns < 64 * options_.t1_ns) {
          entry.due_ns = due_ns;
          queues_[which + 2].push(slot);
        } else {
          free_.push_back(slot);
        }
      }
    }
    return sent;
  }

  // Forgets everything.
  void clear() {
    for (Queue& queue : queues_) {
      for (; !queue.empty(); queue.pop()) free_.push_back(queue.front());
    }
  }

 private:
  struct Slot {
    uint64_t begin_ns = 0, due_ns = 0, number = 0;
    uint32_t length = 0;
    Leg leg = Leg::first;
    bool invite = false;
  };
  // Of slots; each is in one queue at most, so none overflows.
  class Queue {
   public:
    explicit Queue(uint32_t slots) : ring_(slots) {}
    bool empty() const { return count_ == 0; }
    uint32_t front() const { return ring_[first_]; }
    void push(uint32_t slot) { ring_[(first_ + count_++) % ring_.size()] = slot; }
    void pop() { first_ = (first_ + 1) % ring_.size(), --count_; }

   private:
    std::vector<uint32_t> ring_;
    size_t first_ = 0, count_ = 0;
  };

  // Before repetition `turn`, counted from 0.
  uint64_t interval(size_t turn, bool invite) const {
    const uint64_t doubled = options_.t1_ns << turn;
    return invite ? doubled : std::min(doubled, std::max(t2_ns, options_.t1_ns));
  }
  uint8_t* bytes_of(uint32_t slot) { return bytes_.data() + size_t{slot} * options_.frame_bytes; }

  static constexpr uint64_t t2_ns = 4'000'000'000;

  const Options options_;
  std::vector<Slot> slots_;
  std::vector<uint8_t> bytes_;
  std::vector<uint32_t> free_;
  std::vector<Queue> queues_;  // by how often it was repeated: INVITEs', the others'
};

}  // namespace viaduct::blast
