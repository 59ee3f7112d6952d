// The header names we know, long and compact (RFC 3261 sections 7.3.1 and 7.3.3), as a table for one look-up.
//
// The length and the last letter of a name leave at most one of them; only that one is then compared.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "sip/message.h"

namespace viaduct::sip {

inline constexpr size_t known_name_bytes_max = 16;

// What a row is called that begins with its colon: not `other`, so that a kernel hands it on.
inline constexpr auto nameless_row = static_cast<Header>(0xff);

struct NameTable {
  struct alignas(16) SixteenBytes {
    std::array<uint8_t, 16> bytes;
  };
  static constexpr size_t names_max = 24;

  // By length and last letter, whatever its case: the only candidate, as index into the arrays below. 0: none.
  std::array<uint8_t, (known_name_bytes_max + 1) * 32> candidate{};
  std::array<SixteenBytes, names_max> names{};                 // in lower case, padded with zeros
  std::array<SixteenBytes, known_name_bytes_max + 1> first{};  // as many times 0xff as the index says
  std::array<Header, names_max> headers{};

  static constexpr size_t slot(size_t size, char last) { return size * 32 + (static_cast<uint8_t>(last) & 31); }
  constexpr NameTable();
};

namespace detail {

struct KnownName {
  std::string_view name;
  Header header;
};

inline constexpr std::array known_names{
    KnownName{"via", Header::via},
    KnownName{"v", Header::via},
    KnownName{"from", Header::from},
    KnownName{"f", Header::from},
    KnownName{"to", Header::to},
    KnownName{"t", Header::to},
    KnownName{"call-id", Header::call_id},
    KnownName{"i", Header::call_id},
    KnownName{"cseq", Header::cseq},
    KnownName{"max-forwards", Header::max_forwards},
    KnownName{"max-breadth", Header::max_breadth},
    KnownName{"content-length", Header::content_length},
    KnownName{"l", Header::content_length},
    KnownName{"route", Header::route},
    KnownName{"record-route", Header::record_route},
    KnownName{"path", Header::path},
    KnownName{"proxy-require", Header::proxy_require},
    KnownName{"require", Header::require},
    KnownName{"supported", Header::supported},
    KnownName{"k", Header::supported},
    KnownName{"contact", Header::contact},
    KnownName{"m", Header::contact},
    KnownName{"user-agent", Header::user_agent},
};
static_assert(known_names.size() < NameTable::names_max);

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
  headers[0] = nameless_row;
  for (size_t i = 1; i <= detail::known_names.size(); ++i) {
    const detail::KnownName& known = detail::known_names[i - 1];
    candidate[slot(known.name.size(), known.name.back())] = static_cast<uint8_t>(i);
    headers[i] = known.header;
    for (size_t k = 0; k < known.name.size(); ++k) names[i].bytes[k] = static_cast<uint8_t>(known.name[k]);
  }
  for (size_t size = 0; size < first.size(); ++size) {
    for (size_t i = 0; i < size; ++i) first[size].bytes[i] = 0xff;
  }
}

inline constexpr NameTable name_table;

}  // namespace viaduct::sip
