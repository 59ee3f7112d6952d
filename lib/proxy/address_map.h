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
    put({key, value});
    ++size_;
    return true;
  }
  void clear() {
    slots_.assign(1, {});
    last_ = size_ = 0;
  }

  // Thread: any; no allocation.
  const Entry* find(const Key& key) const {
    for (size_t place = first_place_of(key);; place = (place + 1) & last_) {
      const Slot& slot = slots_[place];
      if (!slot.taken) return nullptr;
      if (slot.entry.first == key) return &slot.entry;
    }
  }
  const Entry* end() const { return nullptr; }
  bool contains(const Key& key) const { return find(key) != nullptr; }
  uint16_t value_or(const Key& key, uint16_t otherwise) const {
    const Entry* const entry = find(key);
    return entry != nullptr ? entry->second : otherwise;
  }
  // The key must be there.
  uint16_t at(const Key& key) const { return find(key)->second; }
  size_t size() const { return size_; }

 private:
  struct alignas(32) Slot {
    Entry entry{};
    bool taken = false;
  };

  size_t first_place_of(const Key& key) const { return net::AddressHash{}(key)&last_; }
  // There is always an empty slot.
  void put(const Entry& entry) {
    size_t place = first_place_of(entry.first);
    while (slots_[place].taken) place = (place + 1) & last_;
    slots_[place] = {entry, true};
  }
  void grow() {
    const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(std::bit_ceil(8 * (size_ + 1))));
    last_ = slots_.size() - 1;
    for (const Slot& slot : old) {
      if (slot.taken) put(slot.entry);
    }
  }

  std::vector<Slot> slots_ = std::vector<Slot>(1);
  size_t last_ = 0;  // index of the last slot, all ones
  size_t size_ = 0;
};

}  // namespace viaduct::proxy
