#include "dataplane/pcap_io.h"

namespace viaduct::dataplane {

core::Result<PcapIo> PcapIo::open(const std::string& received, const std::string& sent, uint16_t port) {
  core::Result<net::PcapReader> reader = net::PcapReader::open(received);
  if (!reader) return core::Error{reader.error()};
  core::Result<net::PcapWriter> writer = net::PcapWriter::create(sent);
  if (!writer) return core::Error{writer.error()};
  return PcapIo(*std::move(reader), *std::move(writer), port);
}

core::Status PcapIo::close() {
  core::Status closed = writer_.close();
  if (error_) return *error_;
  return closed;
}

size_t PcapIo::receive(std::span<Packet> packets) {
  size_t count = 0;
  while (count < packets.size() && !finished_) {
    core::Result<std::optional<net::CapturedFrame>> next = reader_.next();
    if (!next && !error_) error_ = core::Error{next.error()};
    if (!next || !*next) {
      finished_ = true;
      break;
    }
    const net::CapturedFrame& frame = **next;
    now_ns_ = frame.time_ns;
    packets[count++] = buffers_.take(frame.bytes, port_);
  }
  return count;
}

size_t PcapIo::transmit(std::span<Packet> packets) {
  for (Packet& packet : packets) {
    core::Status written = writer_.write({packet.data, packet.length}, now_ns_);
    if (!written && !error_) error_ = core::Error{written.error()};
    buffers_.give_back(packet);
  }
  return packets.size();
}

void PcapIo::release(std::span<Packet> packets) {
  for (Packet& packet : packets) buffers_.give_back(packet);
}

}  // namespace viaduct::dataplane
