#include "control/neighbor_wishes.h"

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

bool NeighborWishes::turn(Time now) {
  for (const KernelTwin::Loss& loss : kernel_.take_losses()) {
    if (loss.kept) keep(loss, now);
    const auto question = asked_.find(loss.neighbor);
    if (!loss.kept && !loss.deleted && question != asked_.end()) {  // the kernel has stopped asking, in vain
      asked_.erase(question);
      continue;
    }
    const bool awaited = question != asked_.end() && now - question->second < pause;
    if (loss.deleted && (loss.kept || awaited)) missing_.insert(loss.neighbor);
  }
  for (size_t asked = 0; asked < again_max && !missing_.empty(); ++asked) {
    const KernelTwin::Neighbor neighbor = missing_.extract(missing_.begin()).value();
    kernel_.ask(neighbor.first, neighbor.second);
  }
  if (now >= next_sweep_) {
    next_sweep_ = now + pause;
    std::erase_if(asked_, [now](const auto& question) { return now - question.second >= pause; });
  }
  return give_up_the_lost(now);
}

// The time begins with the loss of a known one and with its deletion. Deletions of the question that follows change
// nothing, else flushes would keep up for ever who does not answer.
void NeighborWishes::keep(const KernelTwin::Loss& loss, Time now) {
  Keeping& keeping = kept_[loss.neighbor];
  if (loss.fresh) keeping = {now + until_deleted};
  if (loss.deleted && !keeping.deleted) keeping = {now + keeping_time, true};
}

bool NeighborWishes::give_up_the_lost(Time now) {
  bool fewer = false;
  std::erase_if(kept_, [&](const auto& entry) {
    if (now < entry.second.until) return false;
    fewer |= kernel_.give_up(entry.first);
    return true;
  });
  return fewer;
}

}  // namespace viaduct::control
