// Datagrams that come in parts, put together (net/fragment_table.h).
#pragma once

#include <cstdint>
#include <vector>

#include "core/bytes.h"
#include "net/fragment_table.h"
#include "net/frame.h"

namespace viaduct::blast {

// Thread: one at a time. Allocates when constructed, and never again.
class Parts {
 public:
  Parts();

  // A frame of which `parse_frame` said that it is a fragment. The frame of the whole datagram, if this was its last
  // part, until the next call; else nothing. What is missing for two seconds is forgotten when another part comes.
  core::ByteView take(core::ByteView part, const net::FrameView& frame, uint64_t now_ns);

 private:
  net::FragmentTable table_;
  std::vector<uint8_t> whole_;
};

}  // namespace viaduct::blast
