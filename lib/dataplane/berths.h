// Places where what leaves can be written at once, instead of being copied there later.
//
// A port whose transmit queue is memory of our own, as a memif's is, can say where the next frames will lie. The
// rewriter then reads the message where it came and writes it where it goes. Frames leave in order, and so do places
// come: once a packet leaves a port from elsewhere, that port has no more places until its PacketIo `begin`s again.
#pragma once

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

  Berths(size_t ports, void* io, Ask ask) : ports_(ports), io_(io), ask_(ask) {}

  // The next place of a port, which stays the next until it is taken.
  Berth next(uint16_t port) {
    Port& row = ports_[port];
    if (row.at == row.count) {
      if (row.closed) return {};
      row.count = static_cast<uint8_t>(ask_(io_, port, row.passed, row.ahead));
      row.at = 0;
      row.closed = row.count == 0;
      if (row.closed) return {};
    }
    return row.ahead[row.at];
  }
  void take(uint16_t port) { ++ports_[port].at, ++ports_[port].passed; }
  void close(uint16_t port) { ports_[port].at = ports_[port].count, ports_[port].closed = true; }

  // What was taken is gone, and nothing is known of what comes. Called by the PacketIo.
  void begin() {
    for (Port& row : ports_) row.at = row.count = 0, row.passed = 0, row.closed = false;
  }

 private:
  struct Port {
    std::array<Berth, 16> ahead;
    uint8_t at = 0, count = 0;
    uint16_t passed = 0;
    bool closed = false;
  };
  std::vector<Port> ports_;
  void* const io_;
  const Ask ask_;
};

}  // namespace viaduct::dataplane
