#include "dataplane/cutter.h"

#include <random>

#include "net/checksum.h"
#include "net/ipv4.h"
#include "net/udp.h"

namespace viaduct::dataplane {
namespace {

// Identifications of IPv6 fragments must not repeat between two hosts for a minute or two, whoever sends, and should
// not be guessed from afar (RFC 8200 section 4.5, RFC 7739): a worker has the upper bits to itself, and counts from a
// place that nobody knows.
constexpr unsigned count_bits = 25;
constexpr uint32_t count_mask = (uint32_t{1} << count_bits) - 1;

}  // namespace

Cutter::Cutter(size_t worker, telemetry::WorkerCounters& counters)
    : counters_(counters),
      worker_bits_(static_cast<uint32_t>(worker) << count_bits),
      count_(static_cast<uint32_t>(std::random_device()())) {}

uint32_t Cutter::next_identification() { return worker_bits_ | (count_++ & count_mask); }

// What a port was to complete must be complete before the cut: the checksum covers all parts.
void Cutter::finish_checksum(Packet& packet) {
  if (packet.udp_checksum == ChecksumState::good) return;
  uint8_t* const datagram = packet.data + packet.l2_bytes + packet.l3_bytes;
  const size_t bytes = packet.length - packet.l2_bytes - packet.l3_bytes;
  auto& udp = *reinterpret_cast<net::UdpHeader*>(datagram);
  const uint32_t pseudo = udp.checksum.value();
  udp.checksum.set(0);
  udp.checksum = net::checksum_udp({datagram, bytes}, pseudo);
  packet.udp_checksum = ChecksumState::good;
}

void Cutter::describe(Packet& part, const Packet& whole) {
  part.tailroom = static_cast<uint16_t>(part.tailroom - part.length);
  part.port = whole.port;
  part.l2_bytes = whole.l2_bytes;
  part.l3_bytes = whole.l3_bytes;
  part.ip_checksum = part.udp_checksum = ChecksumState::good;
}

}  // namespace viaduct::dataplane
