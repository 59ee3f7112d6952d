// A PacketIo between two capture files: what one holds was received, what is sent goes into the other.
//
// One port, one worker, no clock: a frame leaves at the time at which the last one came. A file that cannot be read on
// or written to is found out after the run (`close`), for a worker has no way to say so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "core/result.h"
#include "dataplane/packet.h"
#include "dataplane/packet_buffers.h"
#include "dataplane/packet_io.h"
#include "net/pcap.h"

namespace viaduct::dataplane {

class PcapIo {
 public:
  // Frames count as received by `port`. Thread: control.
  static core::Result<PcapIo> open(const std::string& received, const std::string& sent, uint16_t port = 0);

  // True once the last frame was received, or the file could not be read on.
  bool finished() const { return finished_; }

  // Ends the output file; the first error of the whole run, if there was any.
  core::Status close();

  // PacketIo
  size_t receive(std::span<Packet> packets);
  size_t transmit(std::span<Packet> packets);
  void punt(std::span<Packet> packets) { release(packets); }
  void release(std::span<Packet> packets);
  bool make(Packet& packet, size_t bytes) {
    packet = buffers_.make(bytes);
    return true;
  }

 private:
  PcapIo(net::PcapReader reader, net::PcapWriter writer, uint16_t port)
      : reader_(std::move(reader)), writer_(std::move(writer)), buffers_({}), port_(port) {}

  net::PcapReader reader_;
  net::PcapWriter writer_;
  PacketBuffers buffers_;
  uint16_t port_;
  uint64_t now_ns_ = 0;  // of the last frame received
  bool finished_ = false;
  std::optional<core::Error> error_;
};
static_assert(MakesPackets<PcapIo>);

}  // namespace viaduct::dataplane
