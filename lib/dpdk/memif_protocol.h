// memif's wire: the messages by which two processes agree on shared memory, and what then lies in it.
//
// The protocol is VPP's, version 2.0 (FD.io, "Shared Memory Packet Interface"; DPDK's guide to net_memif has the
// messages and the rings). Messages go over a UNIX socket of type SEQPACKET, 128 octets each, in the machine's own byte
// order; descriptors of files travel beside them (SCM_RIGHTS):
//
//   client                    server
//     connect ->
//              <- hello          versions, how many rings and regions it takes
//     init ->                    what it wants to be connected to
//              <- ack            likewise after each of:
//     add_region ->              memory, with its file
//     add_ring ->                where a ring lies, with the eventfd that wakes its reader
//     connect ->
//              <- connected
//
// The client makes all memory, whichever way frames go.
#pragma once

#include <cstddef>
#include <cstdint>

namespace viaduct::dpdk::memif {

inline constexpr uint32_t cookie = 0x3e31f20;
inline constexpr uint16_t version = 2 << 8;
inline constexpr size_t name_bytes = 32;

enum MessageType : uint16_t { none, ack, hello, init, add_region, add_ring, connect, connected, disconnect };

struct [[gnu::packed]] Hello {
  char name[name_bytes];
  uint16_t min_version, max_version;
  uint16_t max_region;  // these are the highest index
  uint16_t max_s2c_ring;
  uint16_t max_c2s_ring;
  uint8_t max_log2_ring_size;
};

struct [[gnu::packed]] Init {
  uint16_t version;
  uint32_t id;
  uint8_t mode;  // 0: Ethernet frames
  char secret[24];
  char name[name_bytes];
};

struct [[gnu::packed]] AddRegion {
  uint16_t index;
  uint64_t size;
};

struct [[gnu::packed]] AddRing {
  static constexpr uint16_t client_to_server = 1;  // else the other way
  uint16_t flags;
  uint16_t index;
  uint16_t region;
  uint32_t offset;
  uint8_t log2_ring_size;
  uint16_t private_header_bytes;
};

struct [[gnu::packed]] Connect {
  char name[name_bytes];
};

struct [[gnu::packed]] Disconnect {
  uint32_t code;
  char reason[96];
};

struct [[gnu::packed]] Message {
  uint16_t type;
  union {
    Hello hello;
    Init init;
    AddRegion add_region;
    AddRing add_ring;
    Connect connect;  // and connected
    Disconnect disconnect;
    uint8_t octets[126];
  };
};
static_assert(sizeof(Message) == 128);

// A buffer, and what is in it.
struct Descriptor {
  static constexpr uint16_t more = 1;  // the frame goes on in the next one
  uint16_t flags;
  uint16_t region;
  uint32_t length;
  uint32_t offset;
  uint32_t metadata;
};
static_assert(sizeof(Descriptor) == 16);

// Before its descriptors. Both counts only grow, and wrap at 16 bits.
struct Ring {
  static constexpr uint16_t no_interrupts = 1;  // its reader polls
  uint32_t cookie;
  uint16_t flags;
  uint16_t head;
  uint8_t unused[56];
  uint16_t tail;
  uint8_t unused_too[62];
};
static_assert(offsetof(Ring, tail) == 64 && sizeof(Ring) == 128);

}  // namespace viaduct::dpdk::memif
