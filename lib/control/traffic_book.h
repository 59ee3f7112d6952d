// How many requests and answers each backend has had. Workers count by a backend's place in the View; when a change
// gives places to others, what each backend has had goes with its name, and what its new place has counted before is
// taken off. Thread: control.
#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "control/cluster.h"

namespace viaduct::control {

class TrafficBook {
 public:
  using Traffic = Cluster::Traffic;

  // From now on places are these backends'. `counted`: by place, so far; whoever has no place in it is not counted.
  void give_places(std::vector<std::string> names, std::span<const Traffic> counted) {
    std::map<std::string, Traffic> had;
    for (size_t i = 0; i < names_.size(); ++i) had[names_[i]] = counted[i] + carried_[i];
    names_ = std::move(names);
    if (names_.size() > counted.size()) names_.resize(counted.size());
    carried_.clear();
    for (size_t i = 0; i < names_.size(); ++i) carried_.push_back(had[names_[i]] - counted[i]);
  }

  // Of whose places these are, in their order.
  std::vector<Traffic> of_backends(std::span<const Traffic> counted) const {
    std::vector<Traffic> traffic;
    for (size_t i = 0; i < names_.size(); ++i) traffic.push_back(counted[i] + carried_[i]);
    return traffic;
  }

 private:
  std::vector<std::string> names_;
  std::vector<Traffic> carried_;  // to add to what is counted at a place; modulo 2^64
};

}  // namespace viaduct::control
