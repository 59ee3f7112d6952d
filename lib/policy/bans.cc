#include "policy/bans.h"

#include <algorithm>
#include <bit>

#include "core/relaxed.h"

namespace viaduct::policy {
namespace {

using core::relaxed;

net::Words network_of(const net::Prefix& prefix) { return net::words_of(prefix.network().address); }

}  // namespace

Bans::Bans() : slots_(std::make_unique<Slot[]>(slot_count)) {}

size_t Bans::home_of(const net::Words& network, unsigned length) const {
  const uint64_t first = core::fold(network.high ^ seed_[0], network.low ^ seed_[1]);
  return static_cast<size_t>(core::fold(first ^ seed_[1], seed_[0] ^ length) >> 32) & (slot_count - 1);
}

bool Bans::find(const net::IpAddress& address, uint64_t now_ns) const {
  const net::Words words = net::words_of(address);
  const unsigned least = address.is_v4() ? 96 : 0;  // of IPv6 too: `::/0` holds no IPv4 address
  for (unsigned word = least / 64; word < 3; ++word) {
    uint64_t bits = lengths_[word].load(relaxed);
    while (bits != 0) {
      const unsigned length = word * 64 + static_cast<unsigned>(std::countr_zero(bits));
      bits &= bits - 1;
      if (length >= least && find_length(words & net::mask_of(length), length, now_ns)) return true;
    }
  }
  return false;
}

bool Bans::find_length(const net::Words& network, unsigned length, uint64_t now_ns) const {
  for (size_t place = home_of(network, length), steps = 0; steps < slot_count; ++steps) {
    const Slot& slot = slots_[place];
    const uint64_t until = slot.until.load(std::memory_order_acquire);
    if (until == 0) return false;
    const bool same = slot.high.load(relaxed) == network.high && slot.low.load(relaxed) == network.low &&
                      slot.length.load(relaxed) == length;
    std::atomic_thread_fence(std::memory_order_acquire);
    if (same && slot.until.load(relaxed) == until) return until > now_ns;
    place = (place + 1) & (slot_count - 1);
  }
  return false;
}

size_t Bans::place_of(const net::Words& network, unsigned length) const {
  size_t place = home_of(network, length);
  for (;; place = (place + 1) & (slot_count - 1)) {
    const Slot& slot = slots_[place];
    if (slot.until.load(relaxed) == 0) return place;
    if (slot.high.load(relaxed) == network.high && slot.low.load(relaxed) == network.low &&
        slot.length.load(relaxed) == length) {
      return place;
    }
  }
}

void Bans::write(size_t place, const net::Words& network, unsigned length, uint64_t until) {
  Slot& slot = slots_[place];
  slot.high.store(network.high, relaxed);
  slot.low.store(network.low, relaxed);
  slot.length.store(length, relaxed);
  slot.until.store(until, std::memory_order_release);
}

bool Bans::add(const net::Prefix& prefix, uint64_t until_ns, const std::string& why) {
  const unsigned length = prefix.bits();
  const net::Words network = network_of(prefix);
  const auto known = rows_.find({length, network});
  const size_t place = place_of(network, length);
  if (known != rows_.end()) {
    known->second.until_ns = std::max(known->second.until_ns, until_ns);
    known->second.why = why;
    slots_[place].until.store(known->second.until_ns, std::memory_order_release);
    return true;
  }
  if (rows_.size() == bans_max) return false;
  rows_.emplace(Key{length, network}, Row{prefix, until_ns, why});
  write(place, network, length, until_ns);
  lengths_[length / 64].fetch_or(uint64_t{1} << (length % 64), relaxed);
  count_.store(rows_.size(), std::memory_order_release);
  return true;
}

bool Bans::remove(const net::Prefix& prefix) {
  if (rows_.erase({prefix.bits(), network_of(prefix)}) == 0) return false;
  rebuild();
  return true;
}

size_t Bans::expire(uint64_t now_ns) {
  const size_t before = rows_.size();
  std::erase_if(rows_, [&](const auto& entry) { return entry.second.until_ns <= now_ns; });
  if (rows_.size() != before) rebuild();
  return before - rows_.size();
}

// Under the readers' eyes: for a moment somebody who is banned may pass, and nobody else is ever shut out.
void Bans::rebuild() {
  for (size_t i = 0; i < slot_count; ++i) {
    if (slots_[i].until.load(relaxed) != 0) slots_[i].until.store(0, std::memory_order_release);
  }
  uint64_t lengths[3] = {};
  for (const auto& [key, row] : rows_) {
    const auto& [length, network] = key;
    write(place_of(network, length), network, length, row.until_ns);
    lengths[length / 64] |= uint64_t{1} << (length % 64);
  }
  for (size_t i = 0; i < 3; ++i) lengths_[i].store(lengths[i], relaxed);
  count_.store(rows_.size(), std::memory_order_release);
}

std::vector<Bans::Row> Bans::rows() const {
  std::vector<Row> rows;
  for (const auto& [key, row] : rows_) rows.push_back(row);
  return rows;
}

}  // namespace viaduct::policy
