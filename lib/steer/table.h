// Key in, backend out.
//
// A `Table` is a pure function of the configured backends (names and weights): same set, same table, in every
// process and after every restart (table.cc, maglev.cc). Health is laid over it: a slot whose backend may not be used
// goes to that slot's next choice by weighted rendezvous (race.h), and no other slot moves; when the backend returns,
// everything is as it was (overlay.cc). The files give their formulas in full; tests/oracle/tables.py is a second
// implementation of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/uint128.h"

namespace viaduct::steer {

// Prime, and at least 64 slots a backend at 1,024 backends; the choice of the Maglev paper (section 5.3).
inline constexpr uint32_t table_slots = 65537;

inline constexpr uint16_t no_member = 0xffff;

// One configured backend as the table sees it. `name` is what is hashed; the address is not, so that a moved backend
// keeps its calls.
struct Member {
  std::string name;
  uint32_t weight = 100;  // 0: configured, but owns no slot
  bool operator==(const Member&) const = default;
};

// How slots are given out, compared in table.cc. `rendezvous`: a change of the set moves slots to or from the changed
// member alone. `maglev`: shares are equal to one slot.
enum class TableKind : uint8_t { rendezvous, maglev };

// How much of what it would have a member takes: from 0, nothing, to `whole`.
using Part = uint32_t;
inline constexpr Part whole = 1u << 16;

class Table;
// A table and the members that it was built from.
struct Built {
  const Table& table;
  std::span<const Member> members;
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
  TableKind kind() const { return kind_; }

  // A digest of the kind and of (slot -> name): equal on two nodes exactly if they choose alike.
  uint64_t fingerprint() const { return fingerprint_; }

 private:
  friend Table build_table(std::span<const Member> members, TableKind kind, const Built* like);
  friend Table overlay(const Table& table, std::span<const Member> members, std::span<const Part> parts);
  friend Table renumbered(const Table& table, std::span<const uint16_t> numbers, std::span<const Member> members);
  std::vector<uint16_t> slots_;
  uint64_t fingerprint_ = 0;
  TableKind kind_ = TableKind::rendezvous;
};

// Allocates; takes some milliseconds, with hundreds of members some tens. Thread: control. Names must be distinct. A
// similar table that exists already is a short cut to the same result.
Table build_table(std::span<const Member> members, TableKind kind = TableKind::rendezvous, const Built* like = nullptr);

// The table with the slots that members do not take given to their next choices. Pure in (table, members, parts):
// nodes that see the same health choose alike. `parts[i]` belongs to member i. If nobody with weight takes anything,
// slots are no_member. `members` are those the table was built from. Allocates. Thread: control.
Table overlay(const Table& table, std::span<const Member> members, std::span<const Part> parts);
// The same where a member takes everything or nothing.
Table overlay(const Table& table, std::span<const Member> members, const std::vector<bool>& usable);

// The same choices where member i is called numbers[i], and `members` are those by the new numbers. Slots of who has no
// number any more (no_member) are nobody's. Allocates. Thread: control.
Table renumbered(const Table& table, std::span<const uint16_t> numbers, std::span<const Member> members);

}  // namespace viaduct::steer
