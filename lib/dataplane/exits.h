// How messages left lately toward the backends.
//
// Requests go to a handful of backends, each by one port, one neighbour, from one socket: what stands on the envelope
// of one stands on that of the next. So an Egress is kept by its backend, and found again by a look at two numbers.
// What goes elsewhere goes to so many that it is put together each time, of the ways that are known (ways.h). What is
// kept holds for one publication of the View.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/egress.h"
#include "dataplane/view.h"
#include "dataplane/ways.h"
#include "proxy/decision.h"

namespace viaduct::dataplane {

class Exits {
 public:
  // Before a burst: forgets what is of another View.
  void begin(const View& view) {
    if (view.epoch == epoch_ && view.proxy.get() == proxy_ && view.adjacency.get() == adjacency_) [[likely]]
      return;
    forget(view);
  }

  // As find_egress, of the View of this burst. The caller may write into it what is one message's own, and has it until
  // the next call. `request`: what leaves is one, and so goes to the backend that the decision names, if it names one.
  // Thread: the worker.
  Egress& find(const View& view, const proxy::Decision& decision, bool request) {
    const uint16_t backend = request ? decision.backend : proxy::none;
    Exit& exit = exits_[backend % exits_.size()];
    if (exit.backend == backend && exit.socket == decision.socket) [[likely]]
      return exit.egress;
    return look_up(view, decision, backend, exit);
  }

  // Of the way to an address; nullptr: unknown here.
  const NextHop* way(const net::IpAddress& destination) const { return ways_.find(destination); }

 private:
  struct Exit {
    uint16_t backend = proxy::none, socket = proxy::none;
    Egress egress;
  };

  [[gnu::noinline]] Egress& look_up(const View& view, const proxy::Decision& decision, uint16_t backend, Exit& exit) {
    find_egress(view, decision, &ways_, other_);
    if (backend == proxy::none || other_.refused || other_.lacks_neighbor) return other_;
    exit = {backend, decision.socket, other_};
    return exit.egress;
  }
  [[gnu::noinline]] void forget(const View& view) {
    exits_.fill({});
    ways_.forget();
    epoch_ = view.epoch;
    proxy_ = view.proxy.get();
    adjacency_ = view.adjacency.get();
  }

  uint64_t epoch_ = 0;
  const proxy::View* proxy_ = nullptr;
  const Adjacency* adjacency_ = nullptr;

  Ways ways_;
  Egress other_;
  std::array<Exit, 64> exits_;
};

}  // namespace viaduct::dataplane
