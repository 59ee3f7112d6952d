// Messages that are ready to leave but for the link address of their next hop.
//
// The kernel finds a neighbour out within a millisecond or two of being asked; a message that is dropped meanwhile
// comes again after T1, half a second, and the caller hears half a second of nothing. So RFC 4861 section 7.2.2 wants a
// small queue for each neighbour, in which new arrivals take the place of the oldest, and RFC 1122 section 2.3.2.2 the
// like of ARP. Here one room holds the queues of all neighbours, in order of arrival. Whoever has waited T1 is given
// up: the sender's next copy is on its way. Our own answers have half of the room at most: they go wherever a
// source says that it is, and forged ones must not push out calls that wait for their backend.
//
// Nothing is decided anew when the address is there: the frame is complete but for its first six octets.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/clock.h"
#include "dataplane/departure.h"
#include "dataplane/packet.h"
#include "dataplane/view.h"
#include "net/address.h"

namespace viaduct::dataplane {

// Thread: the worker. No allocation. Owns no packet: whoever calls gets each back.
class WaitingRoom {
 public:
  static constexpr size_t capacity = burst_max;
  static constexpr size_t of_one_max = 16;                   // for the same neighbour
  static constexpr size_t replies_max = capacity / 2;        // our own answers, for whichever
  static constexpr std::chrono::milliseconds patience{500};  // T1 (RFC 3261 section 17.1.1.1)

  struct Waiter {
    Packet packet;  // rewritten; `packet.port` is where it will leave
    Departure departure;
    net::IpAddress neighbor;  // on that port
    core::Instant since;
  };

  bool empty() const { return count_ == 0; }

  // Takes one in, as of `view`, which does not know its neighbour. Returns whose place it took, if any.
  std::optional<Packet> take(const Waiter& waiter, const View& view);

  // Those whose neighbour `view` knows now, addressed to it, in order of arrival; good until the next call.
  std::span<const Waiter> leave(const View& view);
  // Those who have waited too long; likewise.
  std::span<const Waiter> give_up(core::Instant now);
  // Everybody.
  std::span<const Waiter> clear();

 private:
  // Moves those of whom `goes` is true to `gone_`; it may change them.
  template <class Goes>
  std::span<const Waiter> let_go(Goes goes);

  size_t count_ = 0;
  uint64_t epoch_ = 0;  // of the View in which they were last looked up
  std::array<Waiter, capacity> waiters_, gone_;
};

}  // namespace viaduct::dataplane
