// How many requests and answers each backend has had. Workers count by a backend's place in the View; when a change
// gives places to others, what each backend has had goes with its name, and what its new place has counted before is
// taken off. Whoever has been gone begins anew, after a reset as well. Thread: control.
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
    std::map<std::string, Place> before;
    for (size_t i = 0; i < places_.size(); ++i) {
      places_[i].carried = places_[i].carried + counted[i];
      before[places_[i].name] = places_[i];
    }
    if (names.size() > counted.size()) names.resize(counted.size());
    places_.clear();
    for (size_t i = 0; i < names.size(); ++i) {
      Place place = before[names[i]];
      place.name = std::move(names[i]);
      place.carried = place.carried - counted[i];
      places_.push_back(std::move(place));
    }
  }

  // Of whose places these are, in their order.
  std::vector<Traffic> of_backends(std::span<const Traffic> counted) const {
    std::vector<Traffic> traffic;
    for (size_t i = 0; i < places_.size(); ++i) traffic.push_back(counted[i] + places_[i].carried);
    return traffic;
  }

  // What they have had since the last reset.
  std::vector<Traffic> since_reset(std::span<const Traffic> counted) const {
    std::vector<Traffic> traffic = of_backends(counted);
    for (size_t i = 0; i < places_.size(); ++i) traffic[i] = traffic[i] - places_[i].at_reset;
    return traffic;
  }
  void reset(std::span<const Traffic> counted) {
    for (size_t i = 0; i < places_.size(); ++i) places_[i].at_reset = counted[i] + places_[i].carried;
  }

 private:
  struct Place {
    std::string name;
    Traffic carried{};   // to add to what is counted here; modulo 2^64
    Traffic at_reset{};  // what it had had then
  };
  std::vector<Place> places_;
};

}  // namespace viaduct::control
