#include "control/neighbor_wishes.h"

#include <set>
#include <vector>

namespace viaduct::control {

void NeighborWishes::wish(const KernelTwin::Neighbor& neighbor, Time now) {
  const auto known = asked_.find(neighbor);
  if (known == asked_.end()) {
    if (asked_.size() >= neighbors_max) return;
    asked_.emplace(neighbor, now);
  } else {
    if (now - known->second < pause) return;
    known->second = now;
  }
  kernel_.want(neighbor.first, neighbor.second);
}

void NeighborWishes::found(const dataplane::Adjacency& adjacency) {
  std::erase_if(asked_, [&](const auto& question) {
    return adjacency.link_address(question.first.first, question.first.second).has_value();
  });
}

void NeighborWishes::turn(Time now) {
  const std::vector<KernelTwin::Neighbor> forgotten = kernel_.take_forgotten();
  for (const KernelTwin::Neighbor& neighbor : std::set(forgotten.begin(), forgotten.end())) {
    const auto question = asked_.find(neighbor);
    if (question == asked_.end() || now - question->second >= pause) continue;
    kernel_.want(neighbor.first, neighbor.second);
  }
  if (now < next_sweep_) return;
  next_sweep_ = now + pause;
  std::erase_if(asked_, [now](const auto& question) { return now - question.second >= pause; });
}

}  // namespace viaduct::control
