// A frame on its way through a worker.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace viaduct::dataplane {

// What the port found out about a received frame; before `transmit`: `good`, the frame holds the full checksum;
// `unknown`, the port was promised to write it (PortView), and UDP's field holds the sum of the pseudo-header as DPDK
// wants it.
enum class ChecksumState : uint8_t { unknown, good, bad };

// The bytes belong to the PacketIo that handed them out; a worker may write [data - headroom, data + length + tailroom)
// until it gives the packet back by `transmit`, `punt` or `release`.
struct Packet {
  uint8_t* data = nullptr;  // the Ethernet header
  uint32_t length = 0;      // of the frame, without FCS
  uint16_t headroom = 0;    // writable bytes before `data`
  uint16_t tailroom = 0;    // writable bytes after the frame
  uint16_t port = 0;        // where it came in; set anew before `transmit`: where it goes out
  ChecksumState ip_checksum = ChecksumState::unknown;
  ChecksumState udp_checksum = ChecksumState::unknown;
  uint8_t l2_bytes = 0;    // set before `transmit`: Ethernet with its tags, and
  uint8_t l3_bytes = 0;    // the IP header, which a port that writes checksums must know
  uint16_t note = 0;       // the worker's own
  void* handle = nullptr;  // the PacketIo's own
};
static_assert(sizeof(Packet) == 32, "two to a cache line: hand-off rings carry them by value");

inline constexpr size_t burst_max = 64;

// Up to a burst of packets, in order.
class PacketList {
 public:
  void add(const Packet& packet) { packets_[count_++] = packet; }
  Packet& last() { return packets_[count_ - 1]; }
  void remove_last() { --count_; }
  void clear() { count_ = 0; }
  size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  std::span<Packet> all() { return {packets_.data(), count_}; }

 private:
  std::array<Packet, burst_max> packets_;
  size_t count_ = 0;
};

}  // namespace viaduct::dataplane
