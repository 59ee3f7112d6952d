// Key in, backend out.
//
// A `Table` is a pure function of the configured backends (names and weights): same set, same table, in every
// process and after every restart (table.cc). Health is laid over it: a slot whose backend may not be used goes to that
// slot's next choice by weighted rendezvous, and no other slot moves; when the backend returns, everything is as it was
// (overlay.cc). Both files give their formulas in full; tests/oracle/maglev.py is a second implementation of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/uint128.h"

namespace viaduct::steer {

// Prime, and at least 64 slots a backend at 1,024 backends; the paper's choice (section 5.3).
inline constexpr uint32_t table_slots = 65537;

inline constexpr uint16_t no_member = 0xffff;

// One configured backend as the table sees it. `name` is what is hashed; the address is not, so that a moved backend
// keeps its calls.
struct Member {
  std::string name;
  uint32_t weight = 100;  // 0: configured, but owns no slot
};

// Members are numbered by their place in the span given to `build_table`; the table's content does not depend on
// that order, only on names and weights.
class Table {
 public:
  // The member that owns the slot of `hash`, or no_member if no member has weight. Thread: any.
  uint16_t pick(uint64_t hash) const { return slots_[slot_of(hash)]; }

  // Lemire's multiply-shift instead of a division: uniform, and the same on every node.
  static uint32_t slot_of(uint64_t hash) {
    return static_cast<uint32_t>((static_cast<core::uint128>(hash) * table_slots) >> 64);
  }

  std::span<const uint16_t> slots() const { return slots_; }

  // A digest of (slot -> name): equal on two nodes exactly if they choose alike.
  uint64_t fingerprint() const { return fingerprint_; }

 private:
  friend Table build_table(std::span<const Member> members);
  friend Table overlay(const Table& table, std::span<const Member> members, const std::vector<bool>& usable);
  std::vector<uint16_t> slots_;
  uint64_t fingerprint_ = 0;
};

// Allocates; takes some milliseconds. Thread: control. Names must be distinct.
Table build_table(std::span<const Member> members);

// The table with unusable members' slots given to their next choices. Pure in (table, members, usable): nodes that see
// the same health choose alike. `usable[i]` belongs to member i. If nobody with weight is usable, the slots of the
// unusable are no_member. `members` are those the table was built from. Allocates. Thread: control.
Table overlay(const Table& table, std::span<const Member> members, const std::vector<bool>& usable);

}  // namespace viaduct::steer
