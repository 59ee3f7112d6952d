// What a worker knows of its backends' answers: a row for each backend and method that occurs.
//
// Rows are handed out as they are wanted, so nothing has to be said to workers when backends come and go; a row keeps
// its backend's identity and not its place in any list. All rows lie in one piece of zeroed memory, of which the
// machine gives pages as they are written: 8 backends with 4 methods cost some 170 KiB, the bound is 22 MB a worker.
//
// One writer, any readers: counters are whole and a moment old.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "telemetry/latency_scale.h"
#include "telemetry/shared_number.h"

namespace viaduct::telemetry {

inline constexpr uint16_t status_first = 100, status_count = 600;  // 100 to 699

struct LatencyRow {
  using Histogram = std::array<uint32_t, LatencyScale::bucket_count>;

  uint32_t backend;         // its identity: proxy::Backend::cookie_id
  uint32_t method;          // a sip::Method
  uint64_t requests;        // sent there, copies not counted
  uint64_t requests_again;  // copies of those that are remembered
  uint64_t finals;          // requests with a final answer
  uint64_t answers_again;   // copies of final answers
  uint64_t unmeasured;      // answers that do not say when the request left, or as another node's clock has it
  Histogram first;          // time to the first answer
  Histogram final;          // time to the final one
  std::array<uint32_t, status_count> by_status;  // answers, copies of final ones not counted
};

class LatencyTable {
 public:
  static constexpr size_t rows_max = 4096;

  // Thread: the writer. No allocation; nullptr: all rows are taken, which is counted.
  LatencyRow* row(uint32_t backend, uint32_t method) {
    const uint64_t key = (uint64_t{backend} << 8 | method) + 1;  // 0: free
    for (size_t at = key * 0x9e3779b97f4a7c15 >> (64 - place_bits);; at = (at + 1) % places_.size()) {
      if (places_[at].key == key) [[likely]]
        return &rows_[places_[at].row];
      if (places_[at].key == 0) return new_row(places_[at], key, backend, method);
    }
  }

  // Thread: any.
  std::span<const LatencyRow> rows() const { return {rows_.get(), count_.load(std::memory_order_acquire)}; }
  uint64_t refused() const { return read(refused_); }

 private:
  struct Place {
    uint64_t key = 0;
    uint32_t row = 0;
  };
  static constexpr unsigned place_bits = 13;  // twice as many as rows: a search ends soon

  LatencyRow* new_row(Place& place, uint64_t key, uint32_t backend, uint32_t method) {
    const size_t count = count_.load(std::memory_order_relaxed);
    if (count == rows_max) {
      bump(refused_);
      return nullptr;
    }
    place = {key, static_cast<uint32_t>(count)};
    LatencyRow& row = rows_[count];
    row.backend = backend;
    row.method = method;
    count_.store(count + 1, std::memory_order_release);
    return &row;
  }

  const ZeroedRows<LatencyRow> rows_ = zeroed_rows<LatencyRow>(rows_max);
  std::array<Place, size_t{1} << place_bits> places_;
  std::atomic<size_t> count_{0};
  uint64_t refused_ = 0;
};

}  // namespace viaduct::telemetry
