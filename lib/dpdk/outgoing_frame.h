// A frame for a port that copies what it sends, wherever the frame lies.
#pragma once

#include <cstdint>

namespace viaduct::dpdk {

struct OutgoingFrame {
  const uint8_t* data;
  uint32_t bytes;
};

}  // namespace viaduct::dpdk
