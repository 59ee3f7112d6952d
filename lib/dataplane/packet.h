// A frame on its way through a worker.
#pragma once

#include <cstdint>
#include <string_view>

namespace viaduct::dataplane {

// What the port found out about a received frame.
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
  void* handle = nullptr;  // the PacketIo's own
};

}  // namespace viaduct::dataplane
