// What rules and limits have done, counted by each worker for itself.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/cache_line.h"
#include "telemetry/counters.h"

namespace viaduct::policy {

// Of one rule or limit. It outlives reloads: a rule that keeps its name keeps its count.
class Tally {
 public:
  explicit Tally(size_t workers) : workers_(workers), cells_(std::make_unique<Cell[]>(workers)) {}

  // Thread: that worker.
  void match(size_t worker) { cells_[worker].matched.add(); }
  void exceed(size_t worker) { cells_[worker].exceeded.add(); }

  // Messages that matched: a rule's conditions, or that a limit was asked about. Thread: any.
  uint64_t matched() const { return sum(&Cell::matched); }
  // Of these, those over the limit.
  uint64_t exceeded() const { return sum(&Cell::exceeded); }
  size_t workers() const { return workers_; }

 private:
  struct alignas(core::cache_line_bytes) Cell {
    telemetry::Counter matched, exceeded;
  };
  uint64_t sum(telemetry::Counter Cell::*counter) const {
    uint64_t total = 0;
    for (size_t i = 0; i < workers_; ++i) total += (cells_[i].*counter).value();
    return total;
  }

  size_t workers_;
  std::unique_ptr<Cell[]> cells_;
};

}  // namespace viaduct::policy
