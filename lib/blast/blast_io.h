// A PacketIo that also hands out blank packets: who answers and starts calls writes frames of its own.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>

#include "dataplane/packet_io.h"

namespace viaduct::blast {

template <class Io>
concept BlastIo = dataplane::PacketIo<Io> && requires(Io& io, std::span<dataplane::Packet> packets) {
  // Fills the front of `packets` with blanks (length 0, writable from `data` on for `tailroom` bytes) and says how
  // many. They are given back by `transmit` or `release`.
  { io.allocate(packets) } -> std::same_as<size_t>;
};

}  // namespace viaduct::blast
