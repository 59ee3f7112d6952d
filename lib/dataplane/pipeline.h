// Bytes to verdict for a burst.
//
//   frame    L2/L3/L4 checked (net/frame.h), ours or not (admission.h)
//   own      the keyed hash of the Call-ID says whose call this is; another worker's packets go there unread
//   parse    views into the packet: sip::parse, or the shape of a message before (sip/shape.h)
//   hash     the keyed hashes that decisions will want, side by side (proxy/foresight.h)
//   decide   proxy::decide: a verdict and a list of edits
//   rewrite  edits applied in place, new headers in front (rewrite.h)
//
// Stage after stage, for the whole burst. The more messages in one, the fuller the lanes of the hashes, and the fewer
// times the code of each stage is fetched anew; the fewer, the more of what was found out about them, a kilobyte each,
// is still in the L1 cache. With shapes and lanes the former weighs more, up to a burst. The pipeline touches no port:
// it sorts the burst into what leaves, what the kernel gets, what is freed and what goes to other workers, and its
// worker (worker.h) does that.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/clock.h"
#include "dataplane/berths.h"
#include "dataplane/coming_berth.h"
#include "dataplane/departure.h"
#include "dataplane/exits.h"
#include "dataplane/icmp_listener.h"
#include "dataplane/observer.h"
#include "dataplane/overload.h"
#include "dataplane/packet.h"
#include "dataplane/path_mtu.h"
#include "dataplane/policy_stage.h"
#include "dataplane/tap.h"
#include "dataplane/view.h"
#include "dataplane/wanted.h"
#include "net/frame.h"
#include "proxy/decision.h"
#include "proxy/edits.h"
#include "proxy/foresight.h"
#include "sip/message.h"
#include "sip/shape_cache.h"
#include "telemetry/counters.h"
#include "telemetry/cycles.h"

namespace viaduct::dataplane {

// Where a burst came from. What another worker handed over is not handed on, nor is what was kept because its owner's
// ring is full.
enum class Origin : uint8_t { port, worker, kept };

// A burst, sorted. Drops and punts are already counted; what leaves and what is handed over is counted by the worker
// when it is gone.
struct Sorted {
  explicit Sorted(size_t worker_count) : handed(worker_count) {}

  PacketList leaving;    // in order; `note` is the index into `departures`
  PacketList too_large;  // as `leaving`, but in fragments
  PacketList waiting;    // as `leaving`, but for the link address of `next_hops[note]`
  PacketList fragments;  // for us, if `keeps_fragments`; nothing is counted yet
  bool keeps_fragments = false;
  std::array<Departure, burst_max> departures;
  std::array<net::IpAddress, burst_max> next_hops;
  PacketList punted;
  PacketList released;
  std::vector<PacketList> handed;  // by owner
  size_t handed_count = 0;         // over all owners

  // The last of `leaving` is complete, and stays there unless it must leave in fragments.
  void let_leave(const Departure& departure) {
    const Packet& packet = book_last(departure);
    if (packet.length - packet.l2_bytes > departure.mtu) [[unlikely]]
      move_last(too_large);
  }
  // It is, but for the link address of `next_hop`.
  void let_wait(const Departure& departure, const net::IpAddress& next_hop) {
    next_hops[book_last(departure).note] = next_hop;
    move_last(waiting);
  }
  void clear_local() { leaving.clear(), too_large.clear(), waiting.clear(), punted.clear(), released.clear(); }

 private:
  const Packet& book_last(const Departure& departure) {
    Packet& packet = leaving.last();
    packet.note = static_cast<uint16_t>(leaving.size() + too_large.size() + waiting.size() - 1);
    departures[packet.note] = departure;
    return packet;
  }
  void move_last(PacketList& list) {
    list.add(leaving.last());
    leaving.remove_last();
  }
};

class Pipeline {
 public:
  // `wanted` and `names` may be nullptr: nobody to ask for neighbours, for names. So may `path_mtus` and `hints`: what
  // ICMP says is not heard. And `watch`, `tap`: nobody watches, nothing is captured. `now` is what tests hold in place
  // of the machine's clock.
  Pipeline(size_t worker, size_t worker_count, telemetry::WorkerCounters& counters, WantedNeighbors* wanted,
           WantedNames* names = nullptr, PathMtus* path_mtus = nullptr, UnreachableHints* hints = nullptr,
           Watch* watch = nullptr, const core::Instant* now = nullptr, Tap* tap = nullptr)
      : worker_(worker),
        worker_count_(worker_count),
        counters_(counters),
        wanted_(wanted),
        names_(names),
        path_mtus_(path_mtus),
        icmp_(counters, path_mtus, hints),
        datagram_id_(static_cast<uint16_t>(worker)),
        clock_(counters),
        policy_(worker),
        observer_(watch),
        overload_(counters),
        tap_(tap, worker),
        now_(now) {}

  // From now on what leaves is written where those say, if they have a place.
  void write_to(Berths* berths) { berths_ = berths; }

  // For the worker, whose stages come before and after.
  telemetry::StageClock& clock() { return clock_; }
  core::Instant time() const { return now_ != nullptr ? *now_ : core::SteadyClock().now(); }

  // Sorts every packet of `burst` into `sorted`, whose lists must have room. Thread: the worker.
  void process(std::span<Packet> burst, Origin origin, const View& view, Sorted& sorted);

  // After each turn of the worker, with whether a poll in it returned FloodWatch::standing_burst or more.
  void watch_queue(bool stands, const View& view) {
    if (view.overload != nullptr) overload_.watch(stands, *view.overload, [this] { return time(); });
  }

 private:
  static_assert(burst_max <= proxy::Foreseer::group_max);
  static constexpr size_t few = 3;  // fewer messages are hashed one by one

  // A packet for us, whose message is `messages_` of the same index.
  struct Place {
    Packet* packet = nullptr;
    net::FrameView frame;
    proxy::Arrival arrival;
    sip::Datagram kind{};
  };

  void tell_time(const View& view, size_t packets);
  void frame(std::span<Packet> burst, Origin origin, const View& view, Sorted& sorted);
  void refuse(const Packet& packet, const net::FrameView& frame, telemetry::Reason reason, Origin origin,
              const View& view, Sorted& sorted);
  void screen(const View& view, Sorted& sorted);
  void parse(Origin origin, const View& view, Sorted& sorted);
  void judge(const View& view);
  void foresee(const View& view);
  void decide(size_t index, const View& view, Sorted& sorted);
  bool comes_from_there(uint16_t port, const net::IpAddress& source, const View& view);
  bool hand_over(size_t owner, const Packet& packet, Sorted& sorted);
  void watch(const Place& place, const sip::Message& message, const proxy::Decision& decision, const View& view);
  void want_name(const sip::Message& message, const proxy::Decision& decision);
  static const sip::Message* sip_of(const Place& place, const sip::Message& message);  // nullptr: it is none
  static TapStage::Subject subject_of(const Place& place, const sip::Message& message, const proxy::Decision& decision);
  void end(const Place& place, const sip::Message& message, const proxy::Decision& decision, telemetry::Reason reason,
           const View& view, Sorted& sorted);
  void settle(const Packet& packet, telemetry::Reason reason, Sorted& sorted);
  void depart(const Place& place, const sip::Message& message, const proxy::Decision& decision, const View& view,
              Sorted& sorted);

  const size_t worker_;
  const size_t worker_count_;
  telemetry::WorkerCounters& counters_;
  WantedNeighbors* const wanted_;
  WantedNames* const names_;
  const PathMtus* const path_mtus_;
  IcmpListener icmp_;
  uint16_t datagram_id_;  // identification of the next IPv4 datagram: workers take turns, so none repeats another's
  telemetry::StageClock clock_;
  size_t count_ = 0;  // places of the burst that are taken
  std::array<Place, burst_max> places_;
  std::array<sip::Message, burst_max> messages_;
  std::array<proxy::Foreseer::Question, burst_max> questions_;
  std::array<const proxy::Foresight*, burst_max> foresights_;
  proxy::Foreseer foreseer_;
  sip::ShapeCache shapes_;
  proxy::Edits edits_;
  Exits exits_;
  proxy::Transactions transactions_;
  PolicyStage policy_;
  Observer observer_;
  OverloadStage overload_;
  TapStage tap_;
  const core::Instant* const now_;
  Berths* berths_ = nullptr;
  ComingBerth coming_berth_;
  const proxy::Shedding* shedding_ = nullptr;  // of the burst
  bool hears_ = false;                         // backends may say how much they can take
};

}  // namespace viaduct::dataplane
