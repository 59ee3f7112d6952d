// Which of many prefix lists an address is in, with one lookup.
//
// A list may have 100,000 prefixes and there may be hundreds of lists: blocked networks, partners, the sources of a
// rule. Asking each would cost a lookup a list. But nested prefixes cut the address space into at most two intervals a
// prefix, and on each of these the answer, the set of all lists that hold it, is constant (Lampson, Srinivasan,
// Varghese, "IP Lookups Using Multiway and Multicolumn Search", 1998). So there is one sorted array of interval
// starts, and beside each start the number of its set; equal sets have one number.
//
//   10.0.0.0/8 in a, 10.1.0.0/16 in b:   0.0.0.0 {}   10.0.0.0 {a}   10.1.0.0 {a b}   10.2.0.0 {a}   11.0.0.0 {}
//
// An IPv4 lookup enters the array by the first 16 bits, which leaves few starts to search; an IPv6 lookup searches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "net/address.h"

namespace viaduct::policy {

class PrefixSets {
 public:
  using List = uint16_t;
  using Set = uint16_t;  // 0: in no list

  struct Entry {
    net::Prefix prefix;  // host bits do not count
    List list = 0;
  };

  PrefixSets() = default;
  // Thread: control. Allocates.
  explicit PrefixSets(std::vector<Entry> entries);

  // Thread: any; no allocation.
  Set find(const net::IpAddress& address) const { return address.is_v4() ? find_v4(address) : find_v6(address); }

  size_t set_count() const { return sets_.size(); }
  const std::vector<List>& lists_of(Set set) const { return sets_[set]; }  // ascending
  bool empty() const { return sets_.size() == 1; }
  // False: there were more different sets than numbers (65,536), and the rest of the intervals has none.
  bool complete() const { return complete_; }
  size_t bytes() const;

 private:
  struct Range {
    net::Words first, last;
    List list;
  };

  static Range range_of(const Entry& entry);
  void sweep(std::vector<Range> ranges, bool v4);
  void add_interval(const net::Words& start, const std::vector<Range>& open, bool v4);
  Set number_of(std::vector<List> lists);
  void index_v4();

  Set find_v4(const net::IpAddress& address) const;
  Set find_v6(const net::IpAddress& address) const;

  std::vector<std::vector<List>> sets_{{}};
  std::vector<uint32_t> starts_v4_{0};
  std::vector<Set> sets_v4_{0};
  std::vector<uint32_t> index_v4_;  // by the first 16 bits: the interval that their first address is in; one more
  std::vector<net::Words> starts_v6_{{}};
  std::vector<Set> sets_v6_{0};
  std::map<std::vector<List>, Set> numbers_{{{}, 0}};
  bool complete_ = true;
};

}  // namespace viaduct::policy
