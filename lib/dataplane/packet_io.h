// The one seam between the pipeline and the world: a source and sink of frames.
//
// Three models: memory (tests, benchmarks), pcap files (replay, `explain`), DPDK mbufs (lib/dpdk). The pipeline is a
// template over it: no virtual call a packet, and the program under test is the program that ships.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>

#include "dataplane/berths.h"
#include "dataplane/packet.h"

namespace viaduct::dataplane {

// One PacketIo belongs to one worker and is called by that worker's thread alone. A packet that was handed over by
// another worker is given back to the PacketIo of the worker that has it now.
template <class Io>
concept PacketIo = requires(Io& io, std::span<Packet> packets) {
  // Fills the front of `packets` from the worker's queues and says how many. Never blocks. Called with `burst_max`.
  { io.receive(packets) } -> std::same_as<size_t>;
  // Sends each packet out of its `port`. Returns how many were taken; the rest, at the end of the span, is still the
  // caller's (transmit queue full). The order within a port is kept. Packets may be moved within the span so that those
  // taken come first; `length` and `note` stay as they are in taken packets too.
  { io.transmit(packets) } -> std::same_as<size_t>;
  // Gives frames that are not ours to the kernel behind their port, or frees them where the kernel has its own copy
  // (af_packet) or there is none.
  { io.punt(packets) } -> std::same_as<void>;
  // Frees packets that go nowhere.
  { io.release(packets) } -> std::same_as<void>;
};

// A PacketIo that can also make packets: what is put together from fragments, or cut into them, needs buffers of its
// own. Without it neither is done.
template <class Io>
concept MakesPackets = PacketIo<Io> && requires(Io& io, Packet& packet, size_t bytes) {
  // A blank packet of no length, with as much room before it as a received one has, and `tailroom` for at least `bytes`
  // (of up to net::FragmentTable::frame_bytes_max). False: no buffer is free.
  { io.make(packet, bytes) } -> std::same_as<bool>;
};

// A PacketIo that knows where frames will leave from. A packet that was written to a place is given to `transmit` with
// the burst it was decided in.
template <class Io>
concept HasBerths = PacketIo<Io> && requires(Io& io) {
  { io.berths() } -> std::same_as<Berths&>;
};

}  // namespace viaduct::dataplane
