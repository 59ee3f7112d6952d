#include "dataplane/waiting_room.h"

#include <algorithm>
#include <cstring>

namespace viaduct::dataplane {

template <class Goes>
std::span<const WaitingRoom::Waiter> WaitingRoom::let_go(Goes goes) {
  size_t gone = 0, left = 0;
  for (Waiter& waiter : std::span(waiters_).first(count_)) {
    (goes(waiter) ? gone_[gone++] : waiters_[left++]) = waiter;
  }
  count_ = left;
  return std::span(gone_).first(gone);
}

std::optional<Packet> WaitingRoom::take(const Waiter& waiter, const View& view) {
  const auto begin = waiters_.begin(), end = begin + static_cast<std::ptrdiff_t>(count_);
  const auto beside = [&](const Waiter& other) {
    return other.packet.port == waiter.packet.port && other.neighbor == waiter.neighbor;
  };
  const auto is_reply = [](const Waiter& other) { return other.departure.kind == Departure::Kind::reply; };
  const auto counted = [&](const auto& of) { return static_cast<size_t>(std::count_if(begin, end, of)); };
  std::optional<Packet> displaced;
  const bool one_has_enough = counted(beside) >= of_one_max;
  const bool replies_are_enough = is_reply(waiter) && counted(is_reply) >= replies_max;
  if (one_has_enough || replies_are_enough || count_ == capacity) {
    const auto oldest = one_has_enough       ? std::find_if(begin, end, beside)
                        : replies_are_enough ? std::find_if(begin, end, is_reply)
                                             : begin;
    displaced = oldest->packet;
    std::copy(oldest + 1, end, oldest);
    --count_;
  }
  if (count_ == 0) epoch_ = view.epoch;
  waiters_[count_++] = waiter;
  return displaced;
}

std::span<const WaitingRoom::Waiter> WaitingRoom::leave(const View& view) {
  if (view.epoch == epoch_) return {};
  epoch_ = view.epoch;
  return let_go([&](Waiter& waiter) {
    const std::optional<net::Mac> mac = view.adjacency->link_address(waiter.packet.port, waiter.neighbor);
    if (mac) std::memcpy(waiter.packet.data, mac->bytes.data(), mac->bytes.size());
    return mac.has_value();
  });
}

// Asked in every turn of the worker: as a rule the first, who has waited the longest, is the answer.
std::span<const WaitingRoom::Waiter> WaitingRoom::give_up(core::Instant now) {
  if (count_ == 0 || now - waiters_[0].since < patience) return {};
  return let_go([&](const Waiter& waiter) { return now - waiter.since >= patience; });
}

std::span<const WaitingRoom::Waiter> WaitingRoom::clear() {
  return let_go([](const Waiter&) { return true; });
}

}  // namespace viaduct::dataplane
