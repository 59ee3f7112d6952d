// Parts of datagrams: taken apart, and made.
//
// Both families cut a datagram the same way: a run of its payload, an offset in units of 8 bytes, a flag that says
// whether more follow, and a number that says which datagram it is (RFC 791 section 2.3, RFC 8200 section 4.5). Only
// the first part holds the UDP header, hence the ports.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/bytes.h"
#include "net/address.h"
#include "net/frame.h"

namespace viaduct::net {

// A part of a UDP datagram as it came.
struct Fragment {
  Family family = Family::ipv4;  // of the packet
  IpAddress source;
  IpAddress destination;
  uint32_t identification = 0;
  uint16_t offset = 0;   // in the datagram, of which the UDP header is the beginning
  uint16_t bytes = 0;    // of it
  bool more = false;     // parts follow
  uint16_t l3 = 0;       // where in the frame the IP header is,
  uint16_t payload = 0;  // and where the part

  uint32_t end() const { return uint32_t{offset} + bytes; }
};

enum class FragmentFault : uint8_t {
  none,
  cut,        // the frame ends before the part does
  malformed,  // empty, not a multiple of 8 bytes though more follow, or beyond the largest datagram
  tiny,       // more follow, and yet so small that it can only be meant to hide something (RFC 1858 section 3)
};

// Parts before the last are at least so long: every link carries packets of 68 bytes (RFC 791 section 3.2), and 20 are
// the header's. With it, a first part always holds the whole UDP header.
inline constexpr uint16_t fragment_bytes_min = 48;

// Reads a frame of which `parse_frame` said that it is a fragment. Thread: any.
FragmentFault read_fragment(core::ByteView frame, const FrameView& view, Fragment& fragment);

// A packet that is larger than a link takes, cut into those that it does take. The UDP checksum must be whole, for it
// covers all parts; the IP header has no options and no extensions.
class Cut {
 public:
  // `packet` is a frame whose IP header begins at `l2` and has `l3` bytes (20 or 40); it must outlive the cut.
  // `identification` is for IPv6; IPv4 has its own.
  Cut(core::ByteView packet, size_t l2, size_t l3, uint16_t mtu, uint32_t identification);

  // How many there are; 0: the MTU leaves no room for a part.
  size_t count() const { return count_; }
  // The length of a frame of the largest.
  size_t frame_bytes_max() const { return front_ + step_; }
  // Writes the frame of the `index`-th and says how long it is.
  size_t write(size_t index, uint8_t* out) const;

 private:
  core::ByteView packet_;
  size_t l2_;
  size_t l3_;
  size_t front_;     // bytes before a part
  size_t step_ = 0;  // bytes of the datagram in all parts but the last
  size_t count_ = 0;
  uint32_t identification_;
};

}  // namespace viaduct::net
