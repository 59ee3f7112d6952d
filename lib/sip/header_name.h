// Header names, long and compact, in any case (RFC 3261 sections 7.3.1 and 7.3.3).
//
// One look at the first 16 octets of a row finds the end of its name. The length and the last letter of a name then
// leave at most one of the headers we know, by a table; for most rows of a message none, and only for a candidate is
// the whole name compared: 16 octets at once, in lower case.
#pragma once

#include <array>
#include <cstring>
#include <string_view>

#include "sip/message.h"
#include "sip/octets16.h"

namespace viaduct::sip {

struct HeaderName {
  uint32_t size;  // octets up to the first that is no token character
  Header header;
};

namespace detail {

struct KnownName {
  std::string_view name;  // in lower case
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

constexpr size_t name_slot(size_t size, char last) { return size * 32 + (static_cast<uint8_t>(last) & 31); }

struct NameTable {
  // By length (0..15) and last letter: the only candidate, as index into `names` plus 1. 0: none.
  std::array<uint8_t, 16 * 32> candidate{};
  std::array<SixteenBytes, known_names.size()> names{};  // padded with zeros
  bool unique = true;

  constexpr NameTable() {
    for (size_t i = 0; i < known_names.size(); ++i) {
      const std::string_view name = known_names[i].name;
      uint8_t& slot = candidate[name_slot(name.size(), name.back())];
      unique = unique && slot == 0;
      slot = static_cast<uint8_t>(i + 1);
      for (size_t k = 0; k < name.size(); ++k) names[i].bytes[k] = static_cast<uint8_t>(name[k]);
    }
  }
};

inline constexpr NameTable name_table;
static_assert(name_table.unique, "two names of one length and last letter: choose another letter");

// As many times 0xff as the index says.
inline constexpr std::array<SixteenBytes, 17> first_octets = [] {
  std::array<SixteenBytes, 17> masks{};
  for (size_t size = 0; size <= 16; ++size) {
    for (size_t i = 0; i < size; ++i) masks[size].bytes[i] = 0xff;
  }
  return masks;
}();

}  // namespace detail

// Reads the name at the start of `row`; up to `readable` may be read.
inline HeaderName read_header_name(const char* row, const char* end, const char* readable) {
  if (readable - row < octets16) [[unlikely]] {
    char copy[2 * octets16] = {};
    memcpy(copy, row, static_cast<size_t>(end - row));
    return read_header_name(copy, copy + (end - row), copy + sizeof copy);
  }
  const __m128i octets = load16(row);
  const unsigned stop = outside<token_char>(octets);
  if (stop == 0) [[unlikely]] {  // 16 octets or more: none that we know
    return {static_cast<uint32_t>(skip16<token_char>(row, end, readable) - row), Header::other};
  }
  const auto size = static_cast<uint32_t>(__builtin_ctz(stop));
  if (size == 0) [[unlikely]]
    return {0, Header::other};
  const uint8_t candidate = detail::name_table.candidate[detail::name_slot(size, row[size - 1])];
  if (candidate == 0) return {size, Header::other};
  // Setting 0x20 makes capitals small. It also makes other octets into letters and '-', but no token characters.
  const __m128i lower = _mm_or_si128(octets, _mm_set1_epi8(0x20));
  const __m128i differs = _mm_xor_si128(lower, detail::load(detail::name_table.names[candidate - 1u]));
  const bool same = _mm_testz_si128(differs, detail::load(detail::first_octets[size]));
  return {size, same ? detail::known_names[candidate - 1u].header : Header::other};
}

}  // namespace viaduct::sip
