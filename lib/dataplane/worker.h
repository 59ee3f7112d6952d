// One core's loop.
//
// Receive a burst, let the pipeline sort it, send, hand over, free; then the same with what other workers have handed
// here; then report a quiescent state. Nothing in it allocates, locks, throws, logs or enters the kernel, but for the
// sleep of `idle = "adaptive"`, and that only when there is nothing to do.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <thread>

#include "dataplane/cutter.h"
#include "dataplane/handoff.h"
#include "dataplane/idle.h"
#include "dataplane/packet_io.h"
#include "dataplane/pipeline.h"
#include "dataplane/reassembler.h"
#include "dataplane/view.h"
#include "dataplane/waiting_room.h"
#include "dataplane/wanted.h"
#include "telemetry/counters.h"
#include "telemetry/cycles.h"

namespace viaduct::dataplane {

// Called once a loop, when the worker holds no pointer into any View: the place for an RCU report.
struct NoQuiesce {
  void operator()() const {}
};

// Everything a worker is given; all of it outlives the worker.
struct WorkerPlace {
  size_t worker = 0;  // 0 .. mesh.worker_count() - 1
  HandoffMesh& mesh;
  const std::atomic<const View*>& view;  // never null while a worker runs
  telemetry::WorkerCounters& counters;   // written by this worker alone
  WantedNeighbors* wanted = nullptr;     // nullptr: nobody to ask
  Idle idle = Idle::poll;
  WantedNames* names = nullptr;  // nullptr: nobody to ask
  ReassemblyLimits reassembly = {};
  PathMtus* path_mtus = nullptr;       // shared by all workers; nullptr: all ways are as wide as their port
  UnreachableHints* hints = nullptr;   // nullptr: nobody to tell
  Watch* watch = nullptr;              // nullptr: nobody watches
  const core::Instant* now = nullptr;  // what tests hold in place of the machine's clock
  Tap* tap = nullptr;                  // nullptr: nothing is captured
};

// A worker is some 400 KiB, so it lives on the heap. Thread: one, the worker's own; construction may be elsewhere.
template <PacketIo Io, class Quiesce = NoQuiesce>
class Worker {
 public:
  Worker(const WorkerPlace& place, Io& io, Quiesce quiesce = {})
      : place_(place),
        io_(io),
        quiesce_(quiesce),
        idle_(place.idle),
        busy_(place.counters),
        sorted_(place.mesh.worker_count()),
        pipeline_(place.worker, place.mesh.worker_count(), place.counters, place.wanted, place.names, place.path_mtus,
                  place.hints, place.watch, place.now, place.tap),
        reassembler_(MakesPackets<Io> ? place.reassembly : ReassemblyLimits(), place.counters),
        cutter_(place.worker, place.counters) {
    sorted_.keeps_fragments = reassembler_.on();
    if constexpr (HasBerths<Io>) pipeline_.write_to(&io.berths());
  }

  // Until `stop`; then finishes what is in the hand-off rings and returns.
  void run(const std::atomic<bool>& stop) {
    if (place_.idle == Idle::adaptive) allow_short_sleeps();
    while (!stop.load(std::memory_order_relaxed)) {
      if (turn()) {
        idle_.busy();
      } else if (idle_.empty()) {
        place_.counters.sleeps.add();
      }
    }
    drain();
  }

  // One loop. True if there was anything to do.
  bool turn() {
    size_t packets = 0;
    {
      const View& view = *place_.view.load(std::memory_order_acquire);
      stands_ = false;
      if (!waiting_room_.empty()) [[unlikely]]
        serve_waiting(view);
      packets += from_ports(view);
      packets += from_workers(view);
      pipeline_.watch_queue(stands_, view);
    }
    quiesce_();
    if (reassembler_.busy()) [[unlikely]]
      reassembler_.expire(core::SteadyClock().now());
    busy_.loop(packets != 0);
    place_.counters.loops.add();
    (packets != 0 ? place_.counters.bursts : place_.counters.empty_polls).add();
    return packets != 0;
  }

  // Receives no more from the ports and hands nothing over; serves the others' hand-offs until all of them are here
  // too, and what then (or after `drain_time_max`, should another worker hang) still waits is freed and counted as
  // `shutdown`.
  void drain() {
    place_.mesh.retire();
    retired_ = true;
    const auto deadline = std::chrono::steady_clock::now() + drain_time_max;
    while (!place_.mesh.all_retired() && std::chrono::steady_clock::now() < deadline) {
      const size_t packets = from_workers(*place_.view.load(std::memory_order_acquire));
      quiesce_();
      if (packets == 0) std::this_thread::yield();
    }
    while (place_.mesh.all_retired() && from_workers(*place_.view.load(std::memory_order_acquire)) != 0) quiesce_();
    release_waiting();
    reassembler_.clear();
    quiesce_();
  }

  // Gives up datagrams that have not all of their parts, so that nothing is left of what came.
  void forget_fragments() { reassembler_.clear(); }

  // Frees what waits for this worker, or here for a neighbour, and counts it as `shutdown`.
  void release_waiting() {
    drop(waiting_room_.clear(), telemetry::Reason::shutdown);
    for (size_t from = 0; from < place_.mesh.worker_count(); ++from) {
      if (from == place_.worker) continue;
      while (const size_t count = place_.mesh.pop(from, place_.worker, burst_)) {
        place_.counters.handed_in.add(count);
        drop(std::span(burst_).first(count), telemetry::Reason::shutdown);
      }
    }
  }

 private:
  static constexpr std::chrono::seconds drain_time_max{2};

  size_t from_ports(const View& view) {
    telemetry::StageClock& clock = pipeline_.clock();
    clock.begin();
    const std::span<Packet> burst = std::span(burst_).first(io_.receive(burst_));
    if (burst.empty()) {
      clock.end(0);
      return 0;
    }
    place_.counters.bursts_by_size[telemetry::burst_size_index(burst.size())].add();
    uint64_t bytes = 0;
    for (const Packet& packet : burst) bytes += packet.length;
    stands_ |= burst.size() >= FloodWatch::standing_burst;
    place_.counters.received.add(burst.size());
    place_.counters.bytes_received.add(bytes);
    settle(burst, Origin::port, view);
    return burst.size();
  }

  size_t from_workers(const View& view) {
    size_t packets = 0;
    for (size_t from = 0; from < place_.mesh.worker_count(); ++from) {
      if (from == place_.worker) continue;
      pipeline_.clock().begin();
      const std::span<Packet> burst = std::span(burst_).first(place_.mesh.pop(from, place_.worker, burst_));
      if (burst.empty()) {
        pipeline_.clock().end(0);
        continue;
      }
      stands_ |= burst.size() >= FloodWatch::standing_burst;
      place_.counters.handed_in.add(burst.size());
      settle(burst, Origin::worker, view);
      packets += burst.size();
    }
    return packets;
  }

  void settle(std::span<Packet> burst, Origin origin, const View& view) {
    telemetry::StageClock& clock = pipeline_.clock();
    clock.lap(telemetry::Stage::receive);
    pipeline_.process(burst, origin, view, sorted_);
    dispatch(view);
    if (!sorted_.fragments.empty()) [[unlikely]]
      put_together(view);
    clock.lap(telemetry::Stage::send);
    clock.end(burst.size());
  }

  // Carries out what the pipeline decided.
  void dispatch(const View& view) {
    if (!sorted_.waiting.empty()) [[unlikely]]
      let_wait(view);
    if (!sorted_.leaving.empty()) transmit();
    if (!sorted_.too_large.empty()) [[unlikely]]
      transmit_cut();
    if (!sorted_.punted.empty()) io_.punt(sorted_.punted.all());
    if (!sorted_.released.empty()) io_.release(sorted_.released.all());
    sorted_.clear_local();
    if (sorted_.handed_count != 0) hand_over(view);
  }

  // To wait for its neighbour's link address, in place of the one who has done so the longest where there is no room.
  void let_wait(const View& view) {
    const core::Instant now = pipeline_.time();
    for (const Packet& packet : sorted_.waiting.all()) {
      auto displaced =
          waiting_room_.take({packet, sorted_.departures[packet.note], sorted_.next_hops[packet.note], now}, view);
      if (displaced) drop({&*displaced, 1}, telemetry::Reason::no_neighbor);
    }
  }

  // Sends those whose neighbour has been found, and gives up those who have waited too long.
  void serve_waiting(const View& view) {
    for (const WaitingRoom::Waiter& waiter : waiting_room_.leave(view)) {
      sorted_.leaving.add(waiter.packet);
      sorted_.let_leave(waiter.departure);
    }
    dispatch(view);
    drop(waiting_room_.give_up(pipeline_.time()), telemetry::Reason::no_neighbor);
  }

  void transmit() {
    const std::span<Packet> leaving = sorted_.leaving.all();
    const size_t taken = io_.transmit(leaving);
    for (const Packet& packet : leaving.first(taken)) book(sorted_.departures[packet.note], packet.length);
    drop(leaving.subspan(taken), telemetry::Reason::tx_full);
  }

  void transmit_cut() {
    for (Packet& packet : sorted_.too_large.all()) {
      const Departure& departure = sorted_.departures[packet.note];
      std::optional<telemetry::Reason> refused = telemetry::Reason::over_mtu;
      if constexpr (MakesPackets<Io>) refused = cutter_.send(io_, packet, departure.mtu);
      refused ? place_.counters.count(*refused) : book(departure, 0);
    }
    io_.release(sorted_.too_large.all());
  }

  // Adds the fragments to those that are here; datagrams that so become whole come as if a port had received them.
  void put_together(const View& view) {
    if constexpr (MakesPackets<Io>) {
      const core::Instant now = core::SteadyClock().now();
      PacketList whole;
      for (const Packet& packet : sorted_.fragments.all()) {
        if (!reassembler_.take(packet, view, now)) continue;
        Packet datagram;
        if (!io_.make(datagram, reassembler_.frame_bytes())) {
          reassembler_.refuse(telemetry::Reason::no_buffer, now);
          continue;
        }
        datagram.port = packet.port;
        reassembler_.write(datagram, now) ? whole.add(datagram) : io_.release({&datagram, 1});
      }
      io_.release(sorted_.fragments.all());
      sorted_.fragments.clear();
      // Who has retired hands nothing over any more.
      pipeline_.process(whole.all(), retired_ ? Origin::worker : Origin::port, view, sorted_);
      dispatch(view);
    }
  }

  void book(const Departure& departure, uint32_t bytes) {
    telemetry::WorkerCounters& counters = place_.counters;
    counters.bytes_sent.add(bytes);
    if (departure.kind == Departure::Kind::reply) return counters.count(departure.reason);
    counters.forwarded.add();
    const bool request = departure.kind == Departure::Kind::request;
    (request ? counters.requests_forwarded : counters.responses_forwarded).add();
    if (departure.backend >= telemetry::backend_count_max) return;
    (request ? counters.backend_requests : counters.backend_responses)[departure.backend].add();
  }

  // What an owner's ring has no room for is judged here, where it would be lost otherwise: every worker decides alike,
  // and whoever receives a whole trunk so gives away no more than the others can take.
  void hand_over(const View& view) {
    kept_.clear();
    for (size_t owner = 0; owner < sorted_.handed.size(); ++owner) {
      const std::span<Packet> packets = sorted_.handed[owner].all();
      if (packets.empty()) continue;
      const size_t taken = place_.mesh.push(place_.worker, owner, packets);
      place_.counters.handed_out.add(taken);
      for (const Packet& packet : packets.subspan(taken)) kept_.add(packet);
      sorted_.handed[owner].clear();
    }
    sorted_.handed_count = 0;
    if (kept_.empty()) return;
    place_.counters.handoff_kept.add(kept_.size());
    pipeline_.process(kept_.all(), Origin::kept, view, sorted_);
    dispatch(view);
  }

  void drop(std::span<const WaitingRoom::Waiter> waiters, telemetry::Reason reason) {
    for (const WaitingRoom::Waiter& waiter : waiters) {
      Packet packet = waiter.packet;
      drop({&packet, 1}, reason);
    }
  }
  void drop(std::span<Packet> packets, telemetry::Reason reason) {
    if (packets.empty()) return;
    for (size_t i = 0; i < packets.size(); ++i) place_.counters.count(reason);
    io_.release(packets);
  }

  const WorkerPlace place_;
  Io& io_;
  Quiesce quiesce_;
  IdleLadder idle_;
  telemetry::BusyClock busy_;
  std::array<Packet, burst_max> burst_;
  Sorted sorted_;
  PacketList kept_;  // what owners' rings had no room for
  Pipeline pipeline_;
  Reassembler reassembler_;
  Cutter cutter_;
  WaitingRoom waiting_room_;
  bool retired_ = false;
  bool stands_ = false;  // in this turn a poll returned so much that more must be waiting
};

}  // namespace viaduct::dataplane
