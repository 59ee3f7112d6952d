// Bytes to verdict for a burst.
//
//   frame    L2/L3/L4 checked (net/frame.h), ours or not (admission.h)
//   parse    sip::parse, views into the packet
//   own      the keyed hash of the Call-ID says whose call this is; another worker's packets go there
//   decide   proxy::decide: a verdict and a list of edits
//   rewrite  edits applied in place, new headers in front (rewrite.h)
//
// A packet goes through all of it before the next one is looked at: its parse is four kilobytes of offsets that stay in
// the L1 cache, where those of a whole burst would not; what a burst buys is prefetching, and one transmit, one
// hand-off and one look at the View for all of it. The pipeline touches no port: it sorts the burst into what leaves,
// what the kernel gets, what is freed and what goes to other workers, and its worker (worker.h) does that.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/packet.h"
#include "dataplane/view.h"
#include "dataplane/wanted.h"
#include "net/frame.h"
#include "proxy/decision.h"
#include "proxy/edits.h"
#include "sip/message.h"
#include "telemetry/counters.h"

namespace viaduct::dataplane {

// Where a burst came from. What another worker handed over is not handed on.
enum class Origin : uint8_t { port, worker };

// How a leaving packet is booked once the port has taken it.
struct Departure {
  enum class Kind : uint8_t { request, response, reply };
  Kind kind = Kind::request;
  telemetry::Reason reason{};  // of a reply
  uint16_t backend = proxy::none;
};

// A burst, sorted. Drops and punts are already counted; what leaves and what is handed over is counted by the worker
// when it is gone.
struct Sorted {
  explicit Sorted(size_t worker_count) : handed(worker_count) {}

  PacketList leaving;  // in order; `note` is the index into `departures`
  std::array<Departure, burst_max> departures;
  PacketList punted;
  PacketList released;
  std::vector<PacketList> handed;  // by owner
  size_t handed_count = 0;         // over all owners

  void clear_local() { leaving.clear(), punted.clear(), released.clear(); }
};

class Pipeline {
 public:
  // `wanted` and `names` may be nullptr: nobody to ask for neighbours, for names.
  Pipeline(size_t worker, size_t worker_count, telemetry::WorkerCounters& counters, WantedNeighbors* wanted,
           WantedNames* names = nullptr)
      : worker_(worker),
        worker_count_(worker_count),
        counters_(counters),
        wanted_(wanted),
        names_(names),
        datagram_id_(static_cast<uint16_t>(worker)) {}

  // Sorts every packet of `burst` into `sorted`, whose lists must have room. Thread: the worker.
  void process(std::span<Packet> burst, Origin origin, const View& view, Sorted& sorted);

 private:
  void process(Packet& packet, Origin origin, const View& view, Sorted& sorted);
  size_t owner_of_message(sip::Datagram kind, Origin origin, const View& view) const;
  void want_name(const proxy::Decision& decision);
  void settle(const Packet& packet, telemetry::Reason reason, Sorted& sorted);
  void depart(Packet& packet, const net::FrameView& frame, const proxy::Decision& decision, const View& view,
              Sorted& sorted);

  const size_t worker_;
  const size_t worker_count_;
  telemetry::WorkerCounters& counters_;
  WantedNeighbors* const wanted_;
  WantedNames* const names_;
  uint16_t datagram_id_;  // identification of the next IPv4 datagram: workers take turns, so none repeats another's
  sip::Message message_;
  proxy::Edits edits_;
};

}  // namespace viaduct::dataplane
