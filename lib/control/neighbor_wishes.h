// Whom workers cannot reach: passed on to the kernel, at the right pace.
//
// A worker wishes for a neighbour with every message that has to wait for it; the kernel repeats its question each
// second by itself (RFC 4861 section 10, RETRANS_TIMER). So it is told once a second, unless something happened:
//
// - Who was found may be forgotten again, and is then asked for at once; so is who did not answer.
// - Who is forgotten before the data path has seen the address (`ip neigh flush` between question and answer, say) is
//   asked for again, because messages wait and the kernel has stopped asking. Once a turn and not when the kernel says
//   so: who flushes looks whether anything is left, and would find it again and again.
// - Who was known and is forgotten has not moved for all that: the data path goes on using its last link address while
//   the kernel asks again, for as long as three questions take. A thousand messages may pass meanwhile, and only a few
//   could wait. Who was asked and did not answer is unreachable at once (RFC 4861 section 7.3.3).
//
// Thread: control.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <set>

#include "control/kernel_twin.h"
#include "dataplane/view.h"

namespace viaduct::control {

class NeighborWishes {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds pause{1};                // between two questions for the same neighbour
  static constexpr size_t neighbors_max = 65536;                 // beyond, nobody new is asked for
  static constexpr std::chrono::seconds keeping_time{3};         // MAX_MULTICAST_SOLICIT times RETRANS_TIMER
  static constexpr std::chrono::milliseconds until_deleted{20};  // between the kernel's two words about a deletion
  static constexpr size_t again_max = 256;                       // asked for again in a turn

  explicit NeighborWishes(KernelTwin& kernel) : kernel_(kernel) {}

  void wish(const KernelTwin::Neighbor& neighbor, Time now);
  // Workers know these neighbours now.
  void found(const dataplane::Adjacency& adjacency);
  // What the kernel forgot meanwhile; to be called with every tick. True if its twin's neighbours are fewer.
  bool turn(Time now);

 private:
  void keep(const KernelTwin::Loss& loss, Time now);
  bool give_up_the_lost(Time now);

  KernelTwin& kernel_;
  std::map<KernelTwin::Neighbor, Time> asked_;  // and when
  struct Keeping {
    Time until;
    bool deleted = false;
  };
  std::map<KernelTwin::Neighbor, Keeping> kept_;  // whose link address is used though the kernel lost it
  std::set<KernelTwin::Neighbor> missing_;        // to be asked for again
  Time next_sweep_{};
};

}  // namespace viaduct::control
