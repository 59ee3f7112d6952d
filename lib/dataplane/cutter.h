// Messages that are larger than the link, or the way behind it, takes: sent in fragments (rule LBG-20).
//
// SIP over UDP cannot be sent smaller, and an INVITE grows by 200 to 300 bytes on its way through a proxy; so what came
// whole may have to leave in two parts. The parts are copies in buffers of their own: they are few, the drivers that
// take chains of buffers are not all, and the copy costs less than what the receiver pays for putting them together.
// All are made before the first is sent, for half a datagram is worse than none.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "dataplane/packet.h"
#include "dataplane/packet_io.h"
#include "net/fragment.h"
#include "net/ipv6.h"
#include "telemetry/counters.h"
#include "telemetry/reason.h"

namespace viaduct::dataplane {

// Thread: the worker.
class Cutter {
 public:
  Cutter(size_t worker, telemetry::WorkerCounters& counters);

  // Sends `packet` by its port in parts that take up to `mtu` bytes each; it stays the caller's. Or says why not.
  template <MakesPackets Io>
  std::optional<telemetry::Reason> send(Io& io, Packet& packet, uint16_t mtu) {
    finish_checksum(packet);
    const net::Cut cut({packet.data, packet.length}, packet.l2_bytes, packet.l3_bytes, mtu, next_identification());
    if (cut.count() == 0 || cut.count() > parts_max) return telemetry::Reason::over_mtu;
    std::array<Packet, parts_max> parts;
    uint64_t bytes = 0;
    for (size_t i = 0; i < cut.count(); ++i) {
      if (!io.make(parts[i], cut.frame_bytes_max())) {
        io.release(std::span(parts).first(i));
        return telemetry::Reason::no_buffer;
      }
      parts[i].length = static_cast<uint32_t>(cut.write(i, parts[i].data));
      describe(parts[i], packet);
      bytes += parts[i].length;
    }
    return transmit(io, std::span(parts).first(cut.count()), bytes);
  }

  // By which so long a packet is cut into no more parts than can be sent. It matters for narrow ways of IPv4 only, and
  // routers cut further there, since DF is never set.
  static constexpr uint16_t least_mtu(size_t packet_bytes) {
    constexpr size_t headers = sizeof(net::Ipv6Header) + sizeof(net::Ipv6Fragment), unit = 8;
    const size_t part = (packet_bytes + parts_max - 1) / parts_max;
    return static_cast<uint16_t>(headers + (part + unit - 1) / unit * unit);
  }

 private:
  // Enough for the largest message over any link of 1,280 bytes.
  static constexpr size_t parts_max = burst_max;

  template <MakesPackets Io>
  std::optional<telemetry::Reason> transmit(Io& io, std::span<Packet> parts, uint64_t bytes) {
    telemetry::PortFragments& port = counters_.fragments_of(parts[0].port);
    const size_t taken = io.transmit(parts);
    port.sent.add(taken);
    if (taken != parts.size()) {
      io.release(parts.subspan(taken));
      return telemetry::Reason::tx_full;
    }
    port.cut.add();
    counters_.bytes_sent.add(bytes);
    return {};
  }

  static void finish_checksum(Packet& packet);
  static void describe(Packet& part, const Packet& whole);
  uint32_t next_identification();

  telemetry::WorkerCounters& counters_;
  uint32_t worker_bits_;
  uint32_t count_;
};

}  // namespace viaduct::dataplane
