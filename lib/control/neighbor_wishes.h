// Whom workers cannot reach: passed on to the kernel, at the right pace.
//
// A worker wishes for a neighbour with every message that has to wait for it; the kernel repeats its question each
// second by itself (RFC 4861 section 10, RETRANS_TIMER). So it is told once a second, unless something happened:
//
// - Who was found may be forgotten again, and is then asked for at once.
// - Who is forgotten before the data path has seen the address (`ip neigh flush` between question and answer, say) is
//   asked for again, because messages wait and the kernel has stopped asking. Once a turn and not when the kernel says
//   so: who flushes looks whether anything is left, and would find it again and again.
//
// Thread: control.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>

#include "control/kernel_twin.h"
#include "dataplane/view.h"

namespace viaduct::control {

class NeighborWishes {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds pause{1};  // between two questions for the same neighbour
  static constexpr size_t neighbors_max = 65536;   // beyond, nobody new is asked for

  explicit NeighborWishes(KernelTwin& kernel) : kernel_(kernel) {}

  void wish(const KernelTwin::Neighbor& neighbor, Time now);
  // Workers know these neighbours now.
  void found(const dataplane::Adjacency& adjacency);
  // What the kernel forgot meanwhile; to be called with every tick.
  void turn(Time now);

 private:
  KernelTwin& kernel_;
  std::map<KernelTwin::Neighbor, Time> asked_;  // and when
  Time next_sweep_{};
};

}  // namespace viaduct::control
