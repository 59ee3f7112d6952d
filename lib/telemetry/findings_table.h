// Who does what the standard does not allow, how often, since when: by source and kind of finding, in bounded memory.
//
// The totals of each kind are exact. Sources are an attacker's to invent, so only some are told apart: 128 sets of
// eight rows, chosen by the source's hash. Who is in its set is counted; who is not wears down the least seen row of
// the set by one, and takes its place when nothing is left of it (Yang et al., "HeavyKeeper", 2018, does so by chance;
// one by one is enough for sets of eight). So whoever sends much stays, and strangers push each other out. Sources that
// the operator has named are never pushed out by others. What a row that goes has counted goes to "others".
//
// One writer, any readers. A row's version is odd while it changes hands.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "telemetry/shared_number.h"

namespace viaduct::telemetry {

// An address, or a name's hash.
struct FindingSource {
  std::array<uint8_t, 16> bytes{};
  bool named = false;

  bool operator==(const FindingSource&) const = default;
  auto operator<=>(const FindingSource&) const = default;
};

inline constexpr size_t finding_kinds_max = 128;

// A set of kinds.
struct FindingKinds {
  std::array<uint64_t, 2> bits{};

  void add(size_t kind) { bits[kind / 64] |= uint64_t{1} << kind % 64; }
  void remove(const FindingKinds& others) { bits[0] &= ~others.bits[0], bits[1] &= ~others.bits[1]; }
  bool has(size_t kind) const { return bits[kind / 64] >> kind % 64 & 1; }
  bool empty() const { return (bits[0] | bits[1]) == 0; }
  template <class Each>
  void each(Each take) const {
    for (size_t word = 0; word < bits.size(); ++word) {
      for (uint64_t left = bits[word]; left != 0; left &= left - 1) {
        take(word * 64 + static_cast<size_t>(__builtin_ctzll(left)));
      }
    }
  }
};

class FindingsTable {
 public:
  static constexpr size_t ways = 8, sets = 128, rows_max = ways * sets;

  // Seconds are those of the machine's monotonic clock.
  struct Row {
    uint32_t version;
    uint32_t credit;
    FindingSource source;
    FindingKinds sampled;
    std::array<uint64_t, finding_kinds_max> count;
    std::array<uint32_t, finding_kinds_max> since, last;
  };

  // Counts one message with these findings. Says which of them want a sample; `sampled` says that it was taken.
  // Thread: the writer. No allocation.
  FindingKinds note(const FindingSource& source, uint64_t hash, const FindingKinds& kinds, uint32_t now_s) {
    kinds.each([&](size_t kind) { bump(totals_[kind]); });
    Row* const row = row_of(source, hash);
    last_ = row;
    if (row == nullptr) {
      kinds.each([&](size_t kind) { bump(others_[kind]); });
      return {};
    }
    kinds.each([&](size_t kind) {
      if (row->count[kind] == 0) std::atomic_ref(row->since[kind]).store(now_s, std::memory_order_relaxed);
      bump(row->count[kind]);
      std::atomic_ref(row->last[kind]).store(now_s, std::memory_order_relaxed);
    });
    FindingKinds wanted = kinds;
    wanted.remove(row->sampled);
    return wanted;
  }
  void sampled(const FindingKinds& kinds) {
    if (last_ != nullptr) kinds.each([&](size_t kind) { last_->sampled.add(kind); });
  }

  // A copy of a row; none if there is nobody in it, or it is changing hands. Thread: any.
  std::optional<Row> row(size_t index) const {
    const Row& from = rows_[index];
    const uint32_t before = version_before(from.version);
    if (before == 0) return std::nullopt;
    Row copy{};
    copy.source = from.source;
    for (size_t kind = 0; kind < finding_kinds_max; ++kind) {
      copy.count[kind] = read(from.count[kind]);
      copy.since[kind] = read(from.since[kind]);
      copy.last[kind] = read(from.last[kind]);
    }
    if (!was_stable(from.version, before)) return std::nullopt;
    return copy;
  }
  uint64_t total(size_t kind) const { return read(totals_[kind]); }
  uint64_t others(size_t kind) const { return read(others_[kind]); }  // of sources that are not told apart

 private:
  static constexpr uint32_t credit_max = 1 << 20;

  Row* row_of(const FindingSource& source, uint64_t hash) {
    Row* const set = &rows_[hash % sets * ways];
    Row* least = nullptr;
    for (Row* row = set; row != set + ways; ++row) {
      if (row->version == 0) return take(*row, source);
      if (row->source == source) {
        row->credit += row->credit < credit_max;
        return row;
      }
      if (row->source.named && !source.named) continue;
      if (least == nullptr || row->credit < least->credit) least = row;
    }
    if (least == nullptr || --least->credit > 0) return nullptr;
    return take(*least, source);
  }

  Row* take(Row& row, const FindingSource& source) {
    begin_change(row.version);
    for (size_t kind = 0; kind < finding_kinds_max; ++kind) {
      if (row.count[kind] == 0) continue;
      std::atomic_ref(others_[kind]).store(others_[kind] + row.count[kind], std::memory_order_relaxed);
      std::atomic_ref(row.count[kind]).store(0, std::memory_order_relaxed);
    }
    row.source = source;
    row.sampled = {};
    row.credit = 1;
    end_change(row.version);
    return &row;
  }

  const ZeroedRows<Row> rows_ = zeroed_rows<Row>(rows_max);
  Row* last_ = nullptr;
  std::array<uint64_t, finding_kinds_max> totals_{}, others_{};
};

}  // namespace viaduct::telemetry
