// Up or down, by what probes say in a row.
//
// `fall` misses in a row take a healthy backend down, `rise` answers in a row bring it back; anything between starts
// the count anew. So one lost datagram kills nobody, and one lucky answer revives nobody (conformance rule LBG-23).
#pragma once

#include <cstdint>

namespace viaduct::health {

class RiseFall {
 public:
  RiseFall(uint32_t rise, uint32_t fall, bool healthy) : rise_(rise), fall_(fall), healthy_(healthy) {}

  // Takes in the outcome of one probe. True if `healthy` changed by it.
  bool take(bool answered) {
    if (answered == healthy_) {
      against_ = 0;
      return false;
    }
    if (++against_ < (healthy_ ? fall_ : rise_)) return false;
    healthy_ = answered;
    against_ = 0;
    return true;
  }

  bool healthy() const { return healthy_; }
  uint32_t against() const { return against_; }  // outcomes in a row that speak against the present state

 private:
  uint32_t rise_;
  uint32_t fall_;
  uint32_t against_ = 0;
  bool healthy_;
};

}  // namespace viaduct::health
