// PacketIo over mbufs: one worker's queues of all ports.
//
// Receiving costs one call of the driver a port and nothing else but to look at the mbuf, and where a port copies not
// even that (bare_buffer.h). Sending has one twist, where mbufs are sent and not copied. The pipeline may have moved
// the front of a frame toward lower addresses:
//
//   within the headroom        data_off is set anew, that is all
//   into the private area      (mempool.h) an mbuf cannot point before its own buffer; so a header mbuf takes the
//   stretch from
//                              the private area to the buffer's end as an external buffer, whose free callback frees
//                              the original; its reference count stands in the private area's first bytes. Nothing is
//                              copied.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/packet.h"
#include "dataplane/packet_io.h"
#include "dpdk/outgoing_frame.h"
#include "dpdk/port_queue.h"
#include "dpdk/transmit_lock.h"
#include "telemetry/counters.h"

namespace viaduct::dpdk {

class DpdkIo {
 public:
  // `queues` by port index, as Packet::port counts; `headers`: mbufs without buffer; `blanks`: where packets are made
  // from, the smallest first.
  DpdkIo(std::vector<PortQueue> queues, rte_mempool* headers, std::vector<rte_mempool*> blanks = {});

  // PacketIo
  size_t receive(std::span<dataplane::Packet> packets);
  size_t transmit(std::span<dataplane::Packet> packets);
  void punt(std::span<dataplane::Packet> packets);
  void release(std::span<dataplane::Packet> packets);
  bool make(dataplane::Packet& packet, size_t bytes);
  dataplane::Berths& berths() { return berths_; }

  // Frames received by a port that came in pieces and did not fit into one buffer: dropped before anyone saw them.
  // Thread: any.
  uint64_t oversized(size_t port) const { return oversized_[port].value(); }

 private:
  static constexpr size_t burst = dataplane::burst_max;

  // What leaves by one port.
  struct Leaving {
    std::array<void*, burst> handles;         // mbufs, perhaps bare where the port copies
    std::array<OutgoingFrame, burst> frames;  // theirs, where the port copies
    std::array<uint8_t, burst> places;        // in the caller's span
    uint16_t count = 0;
  };

  size_t receive_mbufs(const PortQueue& queue, uint16_t port, std::span<dataplane::Packet> packets);
  size_t receive_bare(const PortQueue& queue, uint16_t port, std::span<dataplane::Packet> packets);
  bool accept(rte_mbuf* mbuf, uint16_t port, dataplane::Packet& packet);
  void free(std::span<void*> handles);
  rte_mbuf* prepare(dataplane::Packet& packet);
  rte_mbuf* wrap(rte_mbuf* mbuf, uint8_t* data);
  uint16_t send(const PortQueue& queue, Leaving& leaving);
  void send_for_kernel(const PortQueue& queue);
  static size_t find_berths(void* io, uint16_t port, size_t passed, std::span<dataplane::Berth> out);

  std::vector<PortQueue> queues_;
  bool has_exception_paths_ = false;
  std::vector<Leaving> leaving_;  // by port
  dataplane::Berths berths_;
  // Of all bare buffers: the one of the first port that copies. So packets go back to the DpdkIo they came from, or to
  // one of the same ports, as another worker's is.
  rte_mempool* bare_pool_ = nullptr;
  rte_mempool* headers_;
  std::vector<rte_mempool*> blanks_;
  size_t first_port_ = 0;  // to be polled first: each in its turn, so that a busy port starves no other
  std::unique_ptr<telemetry::Counter[]> oversized_;  // by port
};
static_assert(dataplane::MakesPackets<DpdkIo> && dataplane::HasBerths<DpdkIo>);

}  // namespace viaduct::dpdk
