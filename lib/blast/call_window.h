// What became of the last so many calls, in a byte each.
//
// A call is a number; its byte stands in a ring at number modulo size, and holds two bits for each of its transactions:
// nothing sent, waiting, waiting with a provisional answer, answered. Before a byte serves a new call, what still waits
// in it is lost: so memory is bounded, and a loss is known at the latest one turn of the ring later. An answer for a
// call that has left the ring is "late"; it cannot be told from a second answer, and its call is booked already.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace viaduct::blast {

// The transactions of a call: its first request, a CANCEL of it, the BYE.
enum class Leg : uint8_t { first, cancel, bye };
inline constexpr size_t leg_count = 3;

class CallWindow {
 public:
  enum class Answer : uint8_t { first, again, late, unknown };
  using Lost = std::array<uint64_t, leg_count>;

  // `calls` is rounded up to a power of two. Allocates; nothing after does.
  explicit CallWindow(size_t calls)
      : mask_(std::bit_ceil(calls) - 1), states_(std::make_unique<uint8_t[]>(mask_ + 1)) {}

  // Numbers the next call, whose first request is being sent; what it pushes out and still waits is added to `lost`.
  uint64_t open(Lost& lost) {
    uint8_t& state = states_[next_ & mask_];
    if ((state & waiting_bits) != 0) [[unlikely]]
      book(state, lost);
    state = bits(Leg::first, waiting);
    return next_++;
  }
  // The number that `open` will give.
  uint64_t next() const { return next_; }
  bool holds(uint64_t number) const { return number < next_ && next_ - number <= mask_ + 1; }

  // Another request of a call is being sent; false, and nothing noted, if that was done before, or the call is not
  // held.
  bool send(uint64_t number, Leg leg) {
    if (!holds(number)) return false;
    uint8_t& state = states_[number & mask_];
    if (of(state, leg) != unsent) return false;
    state |= bits(leg, waiting);
    return true;
  }

  // A final answer has come.
  Answer answer(uint64_t number, Leg leg) {
    if (number >= next_) return Answer::unknown;
    if (!holds(number)) return Answer::late;
    uint8_t& state = states_[number & mask_];
    switch (of(state, leg)) {
      case unsent: return Answer::unknown;
      case waiting:
      case proceeding:
        state = static_cast<uint8_t>(state & ~bits(leg, proceeding)) | bits(leg, answered);
        return Answer::first;
      default: return Answer::again;
    }
  }

  // A provisional answer has come: it is still waited for the final one.
  void proceed(uint64_t number, Leg leg) {
    if (waits(number, leg)) states_[number & mask_] |= bits(leg, proceeding);
  }

  bool waits(uint64_t number, Leg leg) const { return holds(number) && waits(of(states_[number & mask_], leg)); }
  // Nothing at all has come, not even a provisional answer.
  bool unheard(uint64_t number, Leg leg) const { return holds(number) && of(states_[number & mask_], leg) == waiting; }

  // Everything that waits, as lost; nothing does afterwards.
  void close(Lost& lost) {
    for (size_t i = 0; i <= mask_; ++i) book(states_[i], lost);
  }

 private:
  // What waits has the lower bit.
  enum State : uint8_t { unsent = 0, waiting = 1, answered = 2, proceeding = 3 };
  static constexpr uint8_t waiting_bits = 0b010101;

  static constexpr unsigned shift(Leg leg) { return 2 * static_cast<unsigned>(leg); }
  static constexpr uint8_t bits(Leg leg, unsigned state) { return static_cast<uint8_t>(state << shift(leg)); }
  static uint8_t of(uint8_t state, Leg leg) { return state >> shift(leg) & 3; }
  static bool waits(uint8_t leg_state) { return (leg_state & waiting) != 0; }

  static void book(uint8_t& state, Lost& lost) {
    for (size_t leg = 0; leg < leg_count; ++leg) {
      if (!waits(of(state, static_cast<Leg>(leg)))) continue;
      ++lost[leg];
      state = static_cast<uint8_t>(state & ~bits(static_cast<Leg>(leg), 3)) | bits(static_cast<Leg>(leg), answered);
    }
  }

  size_t mask_;
  std::unique_ptr<uint8_t[]> states_;
  uint64_t next_ = 0;
};

}  // namespace viaduct::blast
