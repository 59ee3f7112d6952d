// What a worker knows of its backends' answers: a row for each backend and method that occurs.
//
// Rows are handed out as they are wanted, so nothing has to be said to workers when backends come and go; a row keeps
// its backend's identity and not its place in any list. All rows lie in one piece of zeroed memory, of which the
// machine gives pages as they are written: 8 backends with 4 methods cost some 170 KiB, the bound is 22 MB a worker.
//
// One writer, any readers: counters are whole and a moment old. Where servers are replaced under new names the rows are
// all taken some day. Then whoever reads gives back those of backends that are no more, and the writer makes others'
// rows of them when it needs some. A reader may be in the middle of such a row, so a row has a
// version (shared_number.h).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/spsc_ring.h"
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
  uint32_t version;                              // whose turn it is
};

class LatencyTable {
 public:
  static constexpr size_t rows_max = 4096;

  // Thread: the writer. No allocation; nullptr: all rows are taken, which is counted.
  LatencyRow* row(uint32_t backend, uint32_t method) {
    const uint64_t key = key_of(backend, method);
    const Place& place = places_[find(key)];
    if (place.key == key) [[likely]]
      return &rows_[place.row];
    return new_row(key, backend, method);
  }

  // Thread: any.
  std::span<const LatencyRow> rows() const { return {rows_.get(), count_.load(std::memory_order_acquire)}; }
  uint64_t refused() const { return read(refused_); }
  // Row `index` may become another's; once while it is somebody's. False: enough have been given back that nobody has
  // needed yet. Thread: one.
  bool give_back(uint32_t index) { return returned_.push({&index, 1}) == 1; }

 private:
  struct Place {
    uint64_t key = 0;
    uint32_t row = 0;
  };
  static constexpr unsigned place_bits = 13;  // twice as many as rows: a search ends soon
  static constexpr size_t places = size_t{1} << place_bits;

  // Never 0, which is a free place.
  static uint64_t key_of(uint32_t backend, uint32_t method) { return (uint64_t{backend} << 8 | method) + 1; }
  static size_t home_of(uint64_t key) { return key * 0x9e3779b97f4a7c15 >> (64 - place_bits); }
  // Where it is, or would be.
  size_t find(uint64_t key) const {
    size_t at = home_of(key);
    while (places_[at].key != key && places_[at].key != 0) at = (at + 1) % places;
    return at;
  }

  LatencyRow* new_row(uint64_t key, uint32_t backend, uint32_t method) {
    const size_t count = count_.load(std::memory_order_relaxed);
    auto index = static_cast<uint32_t>(count);
    const bool again = count == rows_max;
    if (again && returned_.pop({&index, 1}) == 0) {
      bump(refused_);
      return nullptr;
    }
    LatencyRow& row = rows_[index];
    if (again) empty(row);
    places_[find(key)] = {key, index};
    store(row.backend, backend);
    store(row.method, method);
    if (again) {
      end_change(row.version);
    } else {
      count_.store(count + 1, std::memory_order_release);
    }
    return &row;
  }

  // Takes it from whose it was.
  void empty(LatencyRow& row) {
    forget(key_of(row.backend, row.method));
    begin_change(row.version);
    for (uint64_t* counter : {&row.requests, &row.requests_again, &row.finals, &row.answers_again, &row.unmeasured}) {
      store(*counter, uint64_t{0});
    }
    for (uint32_t& bucket : row.first) store(bucket, 0u);
    for (uint32_t& bucket : row.final) store(bucket, 0u);
    for (uint32_t& answers : row.by_status) store(answers, 0u);
  }

  // Who stands behind the gap, and would have stood in it or before, moves up (Knuth, volume 3, section 6.4,
  // algorithm R).
  void forget(uint64_t key) {
    size_t gap = find(key);
    for (size_t at = (gap + 1) % places; places_[at].key != 0; at = (at + 1) % places) {
      const size_t from_home = (at - home_of(places_[at].key)) % places, from_gap = (at - gap) % places;
      if (from_home < from_gap) continue;
      places_[gap] = places_[at];
      gap = at;
    }
    places_[gap] = {};
  }

  const ZeroedRows<LatencyRow> rows_ = zeroed_rows<LatencyRow>(rows_max);
  std::array<Place, places> places_;
  core::SpscRing<uint32_t> returned_{256};
  std::atomic<size_t> count_{0};
  uint64_t refused_ = 0;
};

}  // namespace viaduct::telemetry
