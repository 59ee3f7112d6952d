// The name of a row: one look at its first 16 octets finds where it ends and which header it is (RFC 3261
// sections 7.3.1 and 7.3.3; any case, long and compact).
//
// The length and the last letter of a name leave at most one of the names we know, by a table. For most rows of a
// message there is none; only with a candidate are all octets compared, in lower case.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "sip/header_names.h"
#include "sip/message.h"
#include "sip/octets16.h"
#include "sip/usual.h"

namespace viaduct::sip {

// No colon right behind a name of 1 to 32 octets, of those that names usually have: the look does not tell what the row
// is.
inline constexpr auto unusual_row = static_cast<Header>(0xff);

struct NameTable {
  struct alignas(32) Name {
    std::array<uint8_t, 16> octets{};  // in lower case, padded with zeros
    std::array<uint8_t, 16> mask{};    // 0xff for each octet of the name
  };
  static constexpr size_t names_max = 25;

  // By length and last letter, whatever its case: the only candidate, as index into the arrays below. 0: none.
  std::array<uint8_t, 17 * 32> candidate{};
  std::array<Name, names_max> names{};
  std::array<Header, names_max> headers{};

  static constexpr size_t slot(size_t size, char last) { return size * 32 + (static_cast<uint8_t>(last) & 31); }
  constexpr NameTable();
};

namespace detail {

struct KnownName {
  std::string_view name;
  Header header = Header::other;
};

// Every way to write a header whose rows are kept.
inline constexpr auto known_names = [] {
  std::array<KnownName, NameTable::names_max - 2> names{};
  size_t count = 0;
  for (const HeaderName& known : header_names) {
    if (known.header == Header::other) continue;
    names[count++] = {known.name, known.header};
    if (known.compact != 0) names[count++] = {{&known.compact, 1}, known.header};
  }
  return names;
}();
static_assert(!known_names.back().name.empty(), "names_max is two more than there are");

consteval bool candidates_are_unique() {
  for (const KnownName& one : known_names) {
    for (const KnownName& other : known_names) {
      if (one.name != other.name && one.name.size() == other.name.size() && one.name.back() == other.name.back()) {
        return false;
      }
    }
  }
  return true;
}
static_assert(candidates_are_unique(), "two names of one length and last letter: choose another letter");

}  // namespace detail

constexpr NameTable::NameTable() {
  // The name of no octets, which equals any.
  headers[names_max - 1] = unusual_row;
  for (size_t i = 0; i < 32; ++i) candidate[i] = names_max - 1;
  for (size_t i = 1; i <= detail::known_names.size(); ++i) {
    const detail::KnownName& known = detail::known_names[i - 1];
    candidate[slot(known.name.size(), known.name.back())] = static_cast<uint8_t>(i);
    headers[i] = known.header;
    for (size_t k = 0; k < known.name.size(); ++k) {
      names[i].octets[k] = static_cast<uint8_t>(known.name[k]);
      names[i].mask[k] = 0xff;
    }
  }
}

inline constexpr NameTable name_table;

// The names of nearly all rows that we know, in full, with the colon and one space behind them: one comparison says all
// of that. The first five octets lead to the only candidate; a row that is written otherwise is looked at as below.
struct UsualName {
  alignas(64) std::array<uint8_t, 16> octets{};  // in lower case, padded with zeros
  std::array<uint8_t, 16> letters{};             // 0x20 for each letter, whose case does not count
  std::array<uint8_t, 16> mask{};                // 0xff for each octet to be compared
  Header header = unusual_row;
  uint8_t size = 0;
};

class UsualNames {
 public:
  constexpr UsualNames() {
    for (uint64_t factor = first_factor;; factor += 2) {
      factor_ = factor;
      if (fill()) return;
    }
  }

  // For the first octets of a row, in memory's order.
  [[gnu::always_inline]] const UsualName& candidate(uint64_t octets) const { return names_[slot(octets)]; }

 private:
  struct Start {
    std::string_view text;  // as it usually begins: what stands behind ": " helps to find the short ones
    Header header;
  };
  static constexpr std::array starts{
      Start{"via: ", Header::via},
      Start{"v: SIP", Header::via},
      Start{"from: ", Header::from},
      Start{"to: <", Header::to},
      Start{"to: \"", Header::to},
      Start{"call-id: ", Header::call_id},
      Start{"cseq: ", Header::cseq},
      Start{"max-forwards: ", Header::max_forwards},
      Start{"content-length: ", Header::content_length},
      Start{"contact: ", Header::contact},
      Start{"route: ", Header::route},
      Start{"record-route: ", Header::record_route},
      Start{"supported: ", Header::supported},
      Start{"require: ", Header::require},
      Start{"user-agent: ", Header::user_agent},
  };
  static constexpr size_t slots = 32;
  static constexpr uint64_t first_factor = 0x9e3779b97f4a7c15;

  [[gnu::always_inline]] constexpr size_t slot(uint64_t octets) const {
    return ((octets | 0x2020202020202020) << 24) * factor_ >> 59;
  }
  // False if two have one slot.
  constexpr bool fill() {
    names_ = {};
    for (const Start& start : starts) {
      UsualName& name = names_[slot(key_of(start.text))];
      if (name.size != 0) return false;
      name.header = start.header;
      name.size = static_cast<uint8_t>(start.text.find(": ") + 2);
      for (size_t i = 0; i < name.size; ++i) {
        const bool letter = start.text[i] >= 'a' && start.text[i] <= 'z';
        name.octets[i] = static_cast<uint8_t>(start.text[i]);
        name.letters[i] = letter ? 0x20 : 0;
        name.mask[i] = 0xff;
      }
    }
    for (UsualName& name : names_) {
      if (name.size == 0) name.mask.fill(0xff);  // sixteen zeros
    }
    return true;
  }

  std::array<UsualName, slots> names_{};
  uint64_t factor_ = 0;
};
inline constexpr UsualNames usual_names;

// The name of a row that begins with `octets`, or nullptr if it is not written as usual.
[[gnu::always_inline]] inline const UsualName* usual_name_of(__m128i octets) {
  const UsualName& name = usual_names.candidate(static_cast<uint64_t>(_mm_cvtsi128_si64(octets)));
  const __m128i folded = _mm_or_si128(octets, load16_aligned(name.letters.data()));
  const __m128i differs = _mm_xor_si128(folded, load16_aligned(name.octets.data()));
  return _mm_testz_si128(differs, load16_aligned(name.mask.data())) != 0 ? &name : nullptr;
}

// The header whose name is the first `size` of `octets`; `last` is the last of them.
[[gnu::always_inline]] inline Header header_of(__m128i octets, size_t size, char last) {
  const size_t candidate = name_table.candidate[NameTable::slot(size, last)];
  if (candidate == 0) return Header::other;
  // Setting 0x20 makes capitals small. It also makes other octets into letters and '-', but no token characters.
  const __m128i lower = _mm_or_si128(octets, _mm_set1_epi8(0x20));
  const NameTable::Name& name = name_table.names[candidate];
  const __m128i differs = _mm_xor_si128(lower, load16_aligned(name.octets.data()));
  if (!_mm_testz_si128(differs, load16_aligned(name.mask.data()))) return Header::other;
  const Header header = name_table.headers[candidate];
  if (header == Header::other) __builtin_unreachable();
  return header;
}

// The header of `row`, which begins with `octets`, has CR LF and CR LF behind it, and one octet in front; `size`: where
// its colon is, if it is not `other` or `unusual_row`. Nothing is read from `readable` on.
[[gnu::always_inline]] inline Header header_of_row(const char* row, __m128i octets, const char* readable,
                                                   size_t& size) {
  size = outside(usual::name, octets);
  if (row[size] == ':') [[likely]]
    return header_of(octets, size, row[static_cast<ptrdiff_t>(size) - 1]);
  if (size != octets16 || readable - row <= 2 * octets16) return unusual_row;
  // A long name. Longer ones than 32 octets are hard to find.
  return row[octets16 + outside(usual::name, load16(row + octets16))] == ':' ? Header::other : unusual_row;
}

// The header called `name`, a token.
inline Header header_of(std::string_view name) {
  if (name.empty() || name.size() > 16) return Header::other;
  char copy[octets16] = {};
  memcpy(copy, name.data(), name.size());
  return header_of(load16(copy), name.size(), name.back());
}

}  // namespace viaduct::sip
