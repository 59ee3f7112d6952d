// Places where what leaves can be written at once, instead of being copied there later.
//
// A port whose transmit queue is memory of our own, as a memif's is, can say where the next frames will lie. The
// rewriter then reads the message where it came and writes it where it goes. Frames leave in order, and so do places
// come: once a packet leaves a port from elsewhere, that port has no more places until its PacketIo `begin`s again.
//
// Whoever reads the frames has the lines of a place in his cache, from the last time round. A store to a line of
// another core's waits until that one has given it up, 200 ns if the two are on different dies, and a hundred stores
// behind it wait with it: then the core stands still. So the lines of a place are asked for some messages ahead (those
// of the first three of a burst are not), and a few now and then: ten in a row are no better than none, for a core has
// few such requests under way.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace viaduct::dataplane {

struct Berth {
  // Writers store whole vectors, and so may write over as much behind a frame's end.
  static constexpr size_t overrun = 64;
  uint8_t* data = nullptr;  // where the frame begins; none: there is no place
  uint32_t bytes = 0;       // that may be written
  uint32_t mtu = 0;         // of the IP packet in it; what is larger leaves in fragments, and not from here

  bool holds(size_t frame_bytes, size_t ip_bytes) const {
    return data != nullptr && frame_bytes + overrun <= bytes && ip_bytes <= mtu;
  }
};

// Of one worker. Thread: the worker's.
class Berths {
 public:
  // Fills `out` with the places of `port` behind the first `passed` ones and says how many there are.
  using Ask = size_t (*)(void* io, uint16_t port, size_t passed, std::span<Berth> out);

  static constexpr uint32_t lead = 2;  // places

  Berths(size_t ports, void* io, Ask ask) : ports_(ports), io_(io), ask_(ask) {}

  // The next place of a port, which stays the next until it is taken.
  Berth next(uint16_t port) {
    Port& row = ports_[port];
    if (row.taken == row.known && !learn(row, port)) return {};
    return row.ahead[row.taken % known_max];
  }
  // Says where the place begins that will be the next one `lead` places later; nullptr: nobody knows.
  const uint8_t* take(uint16_t port) {
    Port& row = ports_[port];
    const uint32_t place = ++row.taken + lead;
    return place < row.known ? row.ahead[place % known_max].data : look_ahead(row, port);
  }
  void close(uint16_t port) { ports_[port].known = ports_[port].taken, ports_[port].closed = true; }

  // What was taken is gone, and nothing is known of what comes. Called by the PacketIo.
  void begin() {
    for (Port& row : ports_) row.taken = row.known = 0, row.closed = false;
  }

 private:
  static constexpr uint32_t known_max = 32, learned_at_once = 16;
  static_assert(lead + learned_at_once <= known_max);  // whoever learns knows of `lead` places at most

  // Numbers count from `begin` on.
  struct Port {
    std::array<Berth, known_max> ahead;  // a ring
    uint32_t taken = 0;
    uint32_t known = 0;
    bool closed = false;  // there are no more than are known
  };

  bool learn(Port& row, uint16_t port) {
    const uint32_t at = row.known % known_max;
    const uint32_t room = std::min(learned_at_once, known_max - at);
    if (row.closed) return false;
    const size_t learned = ask_(io_, port, row.known, std::span(row.ahead).subspan(at, room));
    row.known += static_cast<uint32_t>(learned);
    row.closed = learned == 0;
    return learned != 0;
  }

  [[gnu::noinline]] const uint8_t* look_ahead(Port& row, uint16_t port) {
    const uint32_t place = row.taken + lead;
    return learn(row, port) && place < row.known ? row.ahead[place % known_max].data : nullptr;
  }

  std::vector<Port> ports_;
  void* const io_;
  const Ask ask_;
};

}  // namespace viaduct::dataplane
