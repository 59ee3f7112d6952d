#include "policy/prefix_sets.h"

#include <algorithm>

namespace viaduct::policy {
namespace {

using net::Words;

constexpr unsigned index_bits = 16;
constexpr size_t sets_max = 65536;

}  // namespace

PrefixSets::Range PrefixSets::range_of(const Entry& entry) {
  const Words address = net::words_of(entry.prefix.address), mask = net::mask_of(entry.prefix.bits());
  return {.first = address & mask, .last = {address.high | ~mask.high, address.low | ~mask.low}, .list = entry.list};
}

PrefixSets::PrefixSets(std::vector<Entry> entries) {
  std::vector<Range> v4, v6;
  for (const Entry& entry : entries) (entry.prefix.address.is_v4() ? v4 : v6).push_back(range_of(entry));
  sweep(std::move(v4), true);
  sweep(std::move(v6), false);
  index_v4();
}

// From the lowest address to the highest, with the ranges that hold it on a stack: prefixes nest or are apart.
void PrefixSets::sweep(std::vector<Range> ranges, bool v4) {
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
    return a.first != b.first ? a.first < b.first : a.last != b.last ? a.last > b.last : a.list < b.list;
  });
  std::vector<Range> open;
  const auto close_before = [&](const Words* next) {
    while (!open.empty() && (next == nullptr || open.back().last < *next)) {
      const Words last = open.back().last;
      open.pop_back();
      if (last.low == ~uint64_t{0} && last.high == ~uint64_t{0}) continue;
      if (v4 && (last.low & 0xffffffff) == 0xffffffff) continue;
      const Words start{last.low == ~uint64_t{0} ? last.high + 1 : last.high, last.low + 1};
      add_interval(start, open, v4);
    }
  };
  for (const Range& range : ranges) {
    close_before(&range.first);
    open.push_back(range);
    add_interval(range.first, open, v4);
  }
  close_before(nullptr);
}

// Of several intervals at one start the last one given counts; one that says what the one before says is none.
void PrefixSets::add_interval(const Words& start, const std::vector<Range>& open, bool v4) {
  std::vector<List> lists;
  for (const Range& range : open) lists.push_back(range.list);
  const Set set = number_of(std::move(lists));
  const auto add = [&](auto& starts, auto begin) {
    auto& sets = v4 ? sets_v4_ : sets_v6_;
    if (starts.back() == begin) {
      sets.back() = set;
    } else if (sets.back() != set) {
      starts.push_back(begin);
      sets.push_back(set);
    }
  };
  if (v4) {
    add(starts_v4_, static_cast<uint32_t>(start.low));
  } else {
    add(starts_v6_, start);
  }
}

PrefixSets::Set PrefixSets::number_of(std::vector<List> lists) {
  std::sort(lists.begin(), lists.end());
  lists.erase(std::unique(lists.begin(), lists.end()), lists.end());
  const auto found = numbers_.find(lists);
  if (found != numbers_.end()) return found->second;
  if (sets_.size() == sets_max) {
    complete_ = false;
    return 0;
  }
  const auto number = static_cast<Set>(sets_.size());
  numbers_.emplace(lists, number);
  sets_.push_back(std::move(lists));
  return number;
}

void PrefixSets::index_v4() {
  if (starts_v4_.size() == 1) return;
  constexpr size_t cells = size_t{1} << index_bits;
  index_v4_.resize(cells + 1);
  for (size_t cell = 0; cell < cells; ++cell) {
    const auto first = static_cast<uint32_t>(cell << (32 - index_bits));
    const auto after = std::upper_bound(starts_v4_.begin(), starts_v4_.end(), first);
    index_v4_[cell] = static_cast<uint32_t>(after - starts_v4_.begin() - 1);
  }
  index_v4_[cells] = static_cast<uint32_t>(starts_v4_.size() - 1);
}

PrefixSets::Set PrefixSets::find_v4(const net::IpAddress& address) const {
  if (index_v4_.empty()) return sets_v4_[0];
  const uint32_t wanted = static_cast<uint32_t>(net::words_of(address).low);
  const size_t cell = wanted >> (32 - index_bits);
  // The last start that is not above `wanted` is not before the cell's own and not behind the next cell's.
  const uint32_t* at = starts_v4_.data() + index_v4_[cell];
  size_t count = index_v4_[cell + 1] - index_v4_[cell] + 1;
  while (count > 1) {
    const size_t half = count / 2;
    at = at[half] <= wanted ? at + half : at;
    count -= half;
  }
  return sets_v4_[static_cast<size_t>(at - starts_v4_.data())];
}

PrefixSets::Set PrefixSets::find_v6(const net::IpAddress& address) const {
  if (starts_v6_.size() == 1) return sets_v6_[0];
  const Words wanted = net::words_of(address);
  const Words* at = starts_v6_.data();
  size_t count = starts_v6_.size();
  while (count > 1) {
    const size_t half = count / 2;
    at = at[half] <= wanted ? at + half : at;
    count -= half;
  }
  return sets_v6_[static_cast<size_t>(at - starts_v6_.data())];
}

size_t PrefixSets::bytes() const {
  return starts_v4_.size() * (sizeof(uint32_t) + sizeof(Set)) + index_v4_.size() * sizeof(uint32_t) +
         starts_v6_.size() * (sizeof(Words) + sizeof(Set));
}

}  // namespace viaduct::policy
