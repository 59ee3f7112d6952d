// One worker's packet socket (AF_PACKET, packet(7)) on an interface that stays the kernel's: frames come out of a ring
// that kernel and worker share, and leave by one system call a burst.
//
// DPDK has a driver for this (net_af_packet). Over veth it costs a fifth of the rate (docs/performance.md), for three
// reasons:
//
//   sends by a ring     The kernel makes a packet of pages of the ring, which a receiver on the same machine must not
//                       keep, so each is copied to pages of its own, which are asked for and given back for it. Given
//                       by sendmmsg(2) a frame is copied once, into a buffer that the kernel has at hand, and straight
//                       from where the worker wrote it.
//   always a group      Sockets that share an interface's frames (PACKET_FANOUT) hash each frame's addresses to tell
//                       which of them is meant, even where there is but one.
//   joins fragments     by the kernel, IPv4 alone, without a limit of ours. They have to be joined for cards and IPv6
//                       anyway (dataplane/reassembler.h).
//
// What leaves has a socket of its own, which hears nothing: the kernel counts what is under way in the structure of the
// socket, and delivers to it on whichever core a sender has, so that one socket for both would wander between caches.
//
// The ring is TPACKET_V2: frames of one size, each seen as soon as it is there. V3 packs them denser, but shows them by
// the block, full or a millisecond old.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/result.h"
#include "dataplane/packet.h"
#include "dpdk/buffer_supply.h"
#include "dpdk/outgoing_frame.h"
#include "dpdk/runtime.h"
#include "telemetry/counters.h"

struct tpacket2_hdr;

namespace viaduct::dpdk {

class PacketSocket {
 public:
  // A frame's place in the ring, and the largest IP packet that fits into it behind the ring's own header and the
  // link's. What is larger, as nothing on a wire is, comes cut.
  static constexpr uint32_t frame_bytes = 10240;
  static constexpr uint16_t mtu_max = frame_bytes - 80;

  // Bound to an interface, and deaf. What it receives is written to mbufs of `frames`, each of which holds
  // `frame_bytes`. Thread: control; needs CAP_NET_RAW.
  static core::Result<std::unique_ptr<PacketSocket>> open(const std::string& interface, int interface_index,
                                                          rte_mempool* frames);
  ~PacketSocket();
  PacketSocket(const PacketSocket&) = delete;
  PacketSocket& operator=(const PacketSocket&) = delete;

  // Joins those that share the frames of the interface, by addresses and ports; without a group founds one, of which
  // it tells the number. Thread: control, while it is deaf.
  core::Result<uint16_t> share(std::optional<uint16_t> group);
  // From now on it receives; false: all that comes by, for the kernel refuses to keep from it what is not for this
  // host.
  bool hear();

  // Frames, oldest first; the caller owns their buffers. At most dataplane::burst_max. Thread: the worker's.
  uint16_t receive(std::span<BareFrame> out);
  // Of the buffers.
  rte_mempool* pool() const { return supply_.pool(); }
  // Is done with the first so many: those that were sent, and those that the interface's driver would not have, for
  // instance longer than the link (counted as errors). Those not taken found no room, or no link. At most
  // dataplane::burst_max. Thread: the worker's.
  uint16_t transmit(std::span<const OutgoingFrame> frames);

  // What came, left, and was lost, since it was opened. Thread: control.
  PortStatistics statistics() const;

 private:
  static constexpr size_t burst = dataplane::burst_max;
  static constexpr uint32_t slots = 1020;

  PacketSocket(const std::string& interface, rte_mempool* frames);
  core::Status open_sender(int interface_index);
  core::Status open_receiver(int interface_index);
  core::Status make_ring();
  tpacket2_hdr* slot(uint32_t index) const {
    return reinterpret_cast<tpacket2_hdr*>(ring_ + size_t{index} * frame_bytes);
  }
  uint32_t ready(size_t most) const;
  size_t give(size_t count);
  bool concerns_this_frame_alone(int error) const;

  const std::string interface_;
  int receiver_ = -1, sender_ = -1;
  BufferSupply supply_;
  uint8_t* ring_ = nullptr;
  uint32_t next_ = 0;  // slot that the kernel fills next, or has filled
  std::array<iovec, burst> pieces_{};
  std::array<mmsghdr, burst> messages_{};
  telemetry::Counter received_, bytes_received_, sent_, bytes_sent_, refused_;
  mutable uint64_t missed_ = 0;  // by a full ring, so far
};

// Keeps out of a packet socket what the kernel would not take either, frames for other link addresses on a wire that
// several share (two nodes with one address would both forward), broadcasts, and the host's own transmissions: they are
// nobody's business here, and would be copied, parsed and punted one by one. False if the kernel refuses.
bool hear_own_frames_only(int packet_socket);

}  // namespace viaduct::dpdk
