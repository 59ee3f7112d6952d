#include "policy/limit_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "core/relaxed.h"

namespace viaduct::policy {
namespace {

using core::relaxed;
constexpr uint64_t second_ns = 1'000'000'000;

}  // namespace

LimitTable::LimitTable(size_t entries) : sets_(capacity_for(entries) / ways), table_(std::make_unique<Set[]>(sets_)) {}

bool LimitTable::take(const LimitKey& key, const LimitRate& rate, uint64_t now_ns) {
  Set& set = table_[key.hash & (sets_ - 1)];
  const size_t way = way_of(set, key, now_ns);
  std::atomic<uint64_t>& bucket = set.full_at[way];
  uint64_t full_at = bucket.load(relaxed);
  bool over;
  do {
    over = full_at > now_ns + rate.burst_ns;
  } while (!over && !bucket.compare_exchange_weak(full_at, std::max(full_at, now_ns) + rate.interval_ns, relaxed));
  note(set.shown[way], now_ns, over);
  return over;
}

size_t LimitTable::way_of(Set& set, const LimitKey& key, uint64_t now_ns) {
  const uint64_t hash = key.hash == 0 ? 1 : key.hash;
  for (size_t way = 0; way < ways; ++way) {
    if (set.hash[way].load(relaxed) == hash) return way;
  }
  size_t soonest = 0;
  for (size_t way = 1; way < ways; ++way) {
    if (set.full_at[way].load(relaxed) < set.full_at[soonest].load(relaxed)) soonest = way;
  }
  begin(set, soonest, hash, key, now_ns);
  return soonest;
}

// Another worker may be at the same slot: then one of the two keys gets the other's bucket for this once.
void LimitTable::begin(Set& set, size_t way, uint64_t hash, const LimitKey& key, uint64_t now_ns) {
  set.hash[way].store(hash, relaxed);
  set.full_at[way].store(0, relaxed);
  Shown& shown = set.shown[way];
  shown.over.store(0, relaxed);
  shown.count.store(0, relaxed);
  shown.count_before.store(0, relaxed);
  shown.second.store(static_cast<uint32_t>(now_ns / second_ns), relaxed);
  char label[label_max] = {};
  const size_t size = std::min(key.label.size(), label_max);
  std::memcpy(label, key.label.data(), size);
  for (size_t i = 0; i < shown.label.size(); ++i) {
    uint64_t word;
    std::memcpy(&word, label + 8 * i, 8);
    shown.label[i].store(word, relaxed);
  }
  shown.label_size.store(static_cast<uint32_t>(size), relaxed);
}

void LimitTable::note(Shown& shown, uint64_t now_ns, bool over) {
  const auto second = static_cast<uint32_t>(now_ns / second_ns);
  const uint32_t known = shown.second.load(relaxed);
  if (known != second) {
    shown.count_before.store(known + 1 == second ? shown.count.load(relaxed) : 0, relaxed);
    shown.count.store(0, relaxed);
    shown.second.store(second, relaxed);
  }
  shown.count.store(shown.count.load(relaxed) + 1, relaxed);
  if (over) shown.over.store(shown.over.load(relaxed) + 1, relaxed);
}

// Whoever was heard in this second or the last one.
std::vector<LimitTable::Row> LimitTable::top(size_t count, uint64_t now_ns) const {
  const auto second = static_cast<uint32_t>(now_ns / second_ns);
  std::vector<Row> rows;
  for (size_t i = 0; i < capacity(); ++i) {
    if (table_[i / ways].hash[i % ways].load(relaxed) == 0) continue;
    const Shown& slot = table_[i / ways].shown[i % ways];
    const uint32_t age = second - slot.second.load(relaxed);
    if (age > 1) continue;
    const uint32_t under_way = slot.count.load(relaxed);
    const uint32_t before = age == 0 ? slot.count_before.load(relaxed) : under_way;
    char label[label_max];
    for (size_t w = 0; w < slot.label.size(); ++w) {
      const uint64_t word = slot.label[w].load(relaxed);
      std::memcpy(label + 8 * w, &word, 8);
    }
    rows.push_back({{label, std::min<size_t>(slot.label_size.load(relaxed), label_max)},
                    static_cast<double>(std::max(before, age == 0 ? under_way : 0)),
                    slot.over.load(relaxed)});
  }
  const auto busier = [](const Row& a, const Row& b) {
    return a.per_second != b.per_second ? a.per_second > b.per_second : a.label < b.label;
  };
  std::sort(rows.begin(), rows.end(), busier);
  if (rows.size() > count) rows.resize(count);
  return rows;
}

size_t LimitTable::bytes() const { return sets_ * sizeof(Set); }

}  // namespace viaduct::policy
