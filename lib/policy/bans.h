// Who is shut out for a while.
//
// Written by the control thread, read by every worker for every datagram: open addressing over fixed slots, each slot
// three atomic words. A ban appears when its expiry is written, last, and is gone for a reader when its expiry has
// passed; no lock, no copy, no wait. A ban is of a prefix; few lengths are in use at a time, and a reader tries those.
// Whoever has a whole IPv6 network chooses which of its addresses are banned, so a place depends on a secret number.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/fold.h"
#include "net/address.h"

namespace viaduct::policy {

class Bans {
 public:
  static constexpr size_t bans_max = 65536;

  Bans();

  // Whether `address` is shut out at `now_ns`. Thread: any; no allocation.
  bool contains(const net::IpAddress& address, uint64_t now_ns) const {
    return count_.load(std::memory_order_relaxed) != 0 && find(address, now_ns);
  }
  size_t size() const { return count_.load(std::memory_order_relaxed); }

  // Thread: control, all below. A ban that is there gets the later end; false: there is no room for another one.
  bool add(const net::Prefix& prefix, uint64_t until_ns, const std::string& why);
  bool remove(const net::Prefix& prefix);
  // Forgets what is over; how many there were. Call it now and then.
  size_t expire(uint64_t now_ns);

  struct Row {
    net::Prefix prefix;
    uint64_t until_ns = 0;
    std::string why;
  };
  std::vector<Row> rows() const;

 private:
  static constexpr size_t slot_count = 2 * bans_max;  // half full at the most: an empty slot ends a search soon

  using Key = std::pair<unsigned, net::Words>;  // length of the 128-bit form, network
  struct Slot {
    std::atomic<uint64_t> high{0}, low{0};
    std::atomic<uint64_t> until{0};  // 0: empty
    std::atomic<uint64_t> length{0};
  };

  bool find(const net::IpAddress& address, uint64_t now_ns) const;
  bool find_length(const net::Words& network, unsigned length, uint64_t now_ns) const;
  size_t home_of(const net::Words& network, unsigned length) const;
  size_t place_of(const net::Words& network, unsigned length) const;
  void write(size_t place, const net::Words& network, unsigned length, uint64_t until);
  void rebuild();

  const core::FoldSeed seed_ = core::random_fold_seed();
  std::unique_ptr<Slot[]> slots_;
  std::atomic<size_t> count_{0};
  std::atomic<uint64_t> lengths_[3]{};  // of the 128-bit form, in use: bit by length
  std::map<Key, Row> rows_;             // control's own
};

}  // namespace viaduct::policy
