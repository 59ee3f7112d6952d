// Which of ours has this address? A small flat map that is built once and then only read.
//
// Every message asks five or six times whether an address is a socket's or a backend's, and nearly always the answer
// lies in the first slot looked at: open addressing at most a quarter full, keys compared as machine words, no pointer
// followed. Keys are the operator's, so the hash needs no key of its own; what attackers choose is only looked up, and
// the longest run of slots is the map's, not theirs.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "net/address.h"

namespace viaduct::proxy {

template <class Key>
class AddressMap {
 public:
  using Entry = std::pair<Key, uint16_t>;

  // The first of equal keys stays. False if it was there. Thread: control.
  bool emplace(const Key& key, uint16_t value) {
    if (contains(key)) return false;
    if (slots_.size() < 4 * (size_ + 1)) grow();
    slots_[place_of(key)] = {{key, value}, true};
    ++size_;
    return true;
  }
  void clear() {
    slots_.assign(1, {});
    size_ = 0;
  }

  // Thread: any; no allocation.
  const Entry* find(const Key& key) const {
    const Slot& slot = slots_[place_of(key)];
    return slot.taken ? &slot.entry : nullptr;
  }
  const Entry* end() const { return nullptr; }
  bool contains(const Key& key) const { return find(key) != nullptr; }
  uint16_t value_or(const Key& key, uint16_t otherwise) const {
    const Slot& slot = slots_[place_of(key)];
    return slot.taken ? slot.entry.second : otherwise;
  }
  // The key must be there.
  uint16_t at(const Key& key) const { return find(key)->second; }
  size_t size() const { return size_; }

 private:
  struct Slot {
    Entry entry{};
    bool taken = false;
  };

  // The slot with the key, or the empty one where it would be: there is always an empty one.
  size_t place_of(const Key& key) const {
    const size_t last = slots_.size() - 1;
    size_t place = net::AddressHash{}(key)&last;
    while (slots_[place].taken && !(slots_[place].entry.first == key)) place = (place + 1) & last;
    return place;
  }
  void grow() {
    const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(std::bit_ceil(8 * (size_ + 1))));
    for (const Slot& slot : old) {
      if (slot.taken) slots_[place_of(slot.entry.first)] = slot;
    }
  }

  std::vector<Slot> slots_ = std::vector<Slot>(1);
  size_t size_ = 0;
};

}  // namespace viaduct::proxy
