#include "dataplane/path_mtu.h"

#include <algorithm>

namespace viaduct::dataplane {

uint64_t PathMtus::hash_of(const net::IpAddress& address) const {
  return steer::siphash64(key_, {reinterpret_cast<const char*>(address.bytes.data()), address.bytes.size()});
}

namespace {

// Never 0, so that no word in use is 0.
uint32_t tag_of_hash(uint64_t hash) { return static_cast<uint32_t>(hash >> 32) | 1; }

}  // namespace

bool PathMtus::lower(const net::IpAddress& destination, uint32_t mtu, core::Instant now) {
  if (mtu < (destination.is_v4() ? floor_v4 : floor_v6) || mtu > UINT16_MAX) return false;
  const uint64_t hash = hash_of(destination);
  const uint16_t time = seconds_of(now);
  const Word word = Word{tag_of_hash(hash)} << 32 | Word{mtu} << 16 | time;
  std::atomic<Word>* oldest = nullptr;
  Word oldest_word = 0;
  for (size_t i = 0; i < probes; ++i) {
    std::atomic<Word>& slot = words_[(hash + i) % slots];
    Word there = slot.load(std::memory_order_relaxed);
    if (tag_of(there) == tag_of_hash(hash)) {
      if (mtu >= mtu_of(there)) return false;
      return slot.compare_exchange_strong(there, word, std::memory_order_relaxed);
    }
    if (there == 0) {
      if (!slot.compare_exchange_strong(there, word, std::memory_order_relaxed)) continue;
      known_.fetch_add(1, std::memory_order_relaxed);
      return true;
    }
    if (oldest == nullptr || age_of(there, time) > age_of(oldest_word, time)) oldest = &slot, oldest_word = there;
  }
  return oldest->compare_exchange_strong(oldest_word, word, std::memory_order_relaxed);
}

uint16_t PathMtus::look_up(const net::IpAddress& destination, uint16_t port_mtu) const {
  const uint64_t hash = hash_of(destination);
  for (size_t i = 0; i < probes; ++i) {
    const Word word = words_[(hash + i) % slots].load(std::memory_order_relaxed);
    if (tag_of(word) == tag_of_hash(hash)) return std::min(mtu_of(word), port_mtu);
  }
  return port_mtu;
}

void PathMtus::expire(core::Instant now) {
  if (known() == 0) return;
  const uint16_t time = seconds_of(now);
  for (std::atomic<Word>& slot : words_) {
    Word word = slot.load(std::memory_order_relaxed);
    if (word == 0 || age_of(word, time) < std::chrono::seconds(lifetime).count()) continue;
    if (slot.compare_exchange_strong(word, 0, std::memory_order_relaxed)) {
      known_.fetch_sub(1, std::memory_order_relaxed);
    }
  }
}

}  // namespace viaduct::dataplane
