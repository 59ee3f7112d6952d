// What routers and hosts say about datagrams of ours (rules LBG-21, LBG-22).
//
// The frames stay the kernel's; this only looks over its shoulder. An error counts if it quotes a datagram from one of
// our sockets to a configured backend, address and port, and comes by a port that leads there: then "too big" lowers
// what is known of the way, and "unreachable" is a hint that the backend should be probed now. Nothing is believed
// beyond that: whoever is on that side and knows both addresses can forge one. What a forger gains is smaller fragments
// for ten minutes, and probes; nothing is lost by it (Cutter::least_mtu).
#pragma once

#include <cstdint>
#include <span>

#include "core/clock.h"
#include "core/spsc_ring.h"
#include "dataplane/packet.h"
#include "dataplane/path_mtu.h"
#include "dataplane/view.h"
#include "net/frame.h"
#include "net/icmp.h"
#include "telemetry/counters.h"

namespace viaduct::dataplane {

// Backends that somebody called unreachable. Bounded: a hint that finds the ring full is lost. Producer: the worker.
// Consumer: control.
class UnreachableHints {
 public:
  explicit UnreachableHints(size_t capacity = 64) : ring_(capacity) {}

  // The same twice in a row is one as long as the first still waits.
  void add(const net::Endpoint& backend) {
    if (backend == last_ && ring_.size() != 0) return;
    last_ = backend;
    ring_.push({&backend, 1});
  }
  size_t take(std::span<net::Endpoint> out) { return ring_.pop(out); }

 private:
  core::SpscRing<net::Endpoint> ring_;
  net::Endpoint last_;
};

class IcmpListener {
 public:
  static constexpr uint32_t per_second_max = 100;  // errors acted upon

  // Either may be nullptr: nobody wants to know.
  IcmpListener(telemetry::WorkerCounters& counters, PathMtus* path_mtus, UnreachableHints* hints)
      : counters_(counters), path_mtus_(path_mtus), hints_(hints) {}

  // A frame that is not ours to judge. Thread: the worker.
  void hear(const Packet& packet, const net::FrameView& frame, const View& view) {
    if (!frame.has_addresses || frame.has_ports || (path_mtus_ == nullptr && hints_ == nullptr)) return;
    if (const auto error = net::read_icmp_error({packet.data, packet.length}, frame)) {
      weigh(*error, packet.port, view);
    }
  }

 private:
  void weigh(const net::IcmpError& error, uint16_t port, const View& view);
  bool too_often(core::Instant now);

  telemetry::WorkerCounters& counters_;
  PathMtus* const path_mtus_;
  UnreachableHints* const hints_;
  core::Instant second_{};
  uint32_t in_second_ = 0;
};

}  // namespace viaduct::dataplane
