// Buffers for the PacketIo models that have no NIC: one allocation each, kept for the next packet.
//
// A packet carries its buffer along: one that was handed to another worker is given back there. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "dataplane/packet.h"

namespace viaduct::dataplane {

class PacketBuffers {
 public:
  // Writable bytes around a frame; as an mbuf has them: RTE_PKTMBUF_HEADROOM and our private area before it.
  struct Room {
    uint16_t head = 576;
    uint16_t tail = 2048;
  };
  explicit PacketBuffers(const Room& room) : room_(room) {}

  // A packet with a copy of `frame`.
  Packet take(core::ByteView frame, uint16_t port) {
    std::unique_ptr<Buffer> buffer = spare();
    buffer->resize(room_.head + frame.size() + room_.tail);
    Packet packet;
    packet.data = buffer->data() + room_.head;
    packet.length = static_cast<uint32_t>(frame.size());
    packet.headroom = room_.head;
    packet.tailroom = room_.tail;
    packet.port = port;
    packet.handle = buffer.release();
    if (!frame.empty()) std::memcpy(packet.data, frame.data(), frame.size());
    return packet;
  }

  // A blank one.
  Packet make(size_t bytes) {
    Packet packet = take(core::ByteView(), 0);
    static_cast<Buffer*>(packet.handle)->resize(room_.head + bytes);
    packet.data = static_cast<Buffer*>(packet.handle)->data() + room_.head;
    packet.tailroom = static_cast<uint16_t>(bytes);
    return packet;
  }

  void give_back(Packet& packet) {
    spare_.emplace_back(static_cast<Buffer*>(std::exchange(packet.handle, nullptr)));
    packet.data = nullptr;  // who still looks finds nothing
  }

 private:
  using Buffer = std::vector<uint8_t>;

  std::unique_ptr<Buffer> spare() {
    if (spare_.empty()) return std::make_unique<Buffer>();
    std::unique_ptr<Buffer> buffer = std::move(spare_.back());
    spare_.pop_back();
    return buffer;
  }

  Room room_;
  std::vector<std::unique_ptr<Buffer>> spare_;
};

}  // namespace viaduct::dataplane
