// A buffer whose mbuf nobody looks at.
//
// What is copied into a buffer, and copied or written anew where it leaves, needs of the mbuf nothing but where its
// buffer begins, and that follows from its own place. An mbuf that is free in its pool has one reference, no successor
// and a buffer of its own; as long as nobody writes to it that stays so, and it may go back as it came. So its two
// cache lines, which are far away by then, are not touched: the lowest bit of the packet's handle says so. Who wants
// the mbuf itself fills it in first.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>

#include "dataplane/packet.h"
#include "dpdk/mempool.h"

namespace viaduct::dpdk {

// A frame in such a buffer, behind RTE_PKTMBUF_HEADROOM.
struct BareFrame {
  rte_mbuf* mbuf;
  uint32_t bytes;
};

inline uint8_t* buffer_behind(rte_mbuf* mbuf) {
  return reinterpret_cast<uint8_t*>(mbuf) + sizeof *mbuf + private_bytes;
}
inline uint8_t* frame_behind(rte_mbuf* mbuf) { return buffer_behind(mbuf) + RTE_PKTMBUF_HEADROOM; }

inline constexpr uintptr_t bare_bit = 1;
inline void* bare_handle(rte_mbuf* mbuf) {
  return reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(mbuf) | bare_bit);
}
inline bool is_bare(const void* handle) { return (reinterpret_cast<uintptr_t>(handle) & bare_bit) != 0; }
inline rte_mbuf* mbuf_of(const void* handle) {
  return reinterpret_cast<rte_mbuf*>(reinterpret_cast<uintptr_t>(handle) & ~bare_bit);
}

// The packet's mbuf. One that was bare says now what the packet says, whose frame must begin within the buffer; another
// one says what it said.
inline rte_mbuf* filled_mbuf(dataplane::Packet& packet) {
  rte_mbuf* const mbuf = mbuf_of(packet.handle);
  if (is_bare(packet.handle)) {
    mbuf->data_off = static_cast<uint16_t>(packet.data - buffer_behind(mbuf));
    mbuf->data_len = static_cast<uint16_t>(packet.length);
    mbuf->pkt_len = packet.length;
    mbuf->ol_flags = 0;
    packet.handle = mbuf;
  }
  return mbuf;
}

}  // namespace viaduct::dpdk
