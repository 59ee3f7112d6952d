// Names of rows, sixteen octets at a time. Included by each vector kernel, in an unnamed namespace like scan_loop.h.
#pragma once

#include <nmmintrin.h>

#include <cstdint>
#include <cstring>
#include <string_view>

#include "sip/name_table.h"
#include "sip/octets16.h"
#include "sip/scan.h"

namespace viaduct::sip {
namespace {

// The header whose name is the first `size`, 0 to 16, of `octets`; `last` is the last of them. Without a name: not
// `other`, so that the row is handed on.
inline Header header_of(__m128i octets, size_t size, char last) {
  const size_t candidate = name_table.candidate[NameTable::slot(size, last)];
  // Setting 0x20 makes capitals small. It also makes other octets into letters and '-', but no token characters.
  const __m128i lower = _mm_or_si128(octets, _mm_set1_epi8(0x20));
  const __m128i differs = _mm_xor_si128(lower, load16_aligned(name_table.names[candidate].bytes.data()));
  const bool same = _mm_testz_si128(differs, load16_aligned(name_table.first[size].bytes.data()));
  return same ? name_table.headers[candidate] : Header::other;
}

// Writes the rows of `text` that are to be handed on.
class RowNamer {
 public:
  RowNamer(std::string_view text, Row* out) : base_(text.data()), end_(text.data() + text.size()), out_(out) {}

  // Row i of `count` begins at begin[i] and ends at begin[i + 1]. Returns where the last row written ends.
  Row* name(const uint16_t* begin, size_t count) {
    // The last rows may lie so near the end of the text that it is not readable 16 octets further.
    size_t readable = count;
    while (readable != 0 && end_ - base_ <= begin[readable - 1] + octets16) --readable;
    for (size_t i = 0; i < readable; ++i) name_one(begin + i, base_ + begin[i]);
    for (size_t i = readable; i < count; ++i) {
      char copy[2 * octets16] = {};
      memcpy(copy, base_ + begin[i], static_cast<size_t>(end_ - base_ - begin[i]));
      name_one(begin + i, copy);
    }
    return out_;
  }

 private:
  // `octets` has those of the row and can be read 17 further. No branch asks what a row is: every one is written, and
  // one that is not to be handed on is overwritten by the next.
  [[gnu::always_inline]] void name_one(const uint16_t* begin, const char* octets) {
    const __m128i look = load16(octets);
    const auto size = static_cast<size_t>(__builtin_ctzll(outside<token_char>(look) | uint64_t{1} << octets16));
    const char* name_end = base_ + *begin + size;
    const Header header = header_of(look, size, name_end[-1]);
    out_->begin = begin[0];
    out_->value.begin = static_cast<uint16_t>(name_end - base_);
    out_->next = begin[1];
    out_->header = header;
    if (octets[size] != ':') [[unlikely]]
      return name_unusual(begin, name_end);
    out_ += header != Header::other;
  }

  // A name longer than 16 octets, or one without a colon right behind it.
  [[gnu::noinline]] void name_unusual(const uint16_t* begin, const char* name_end) {
    const char* next = base_ + begin[1];
    if (name_end - base_ - *begin == octets16) name_end = skip16<token_char>(name_end, next, end_);
    if (name_end != next && *name_end == ':') return;
    out_->value.begin = static_cast<uint16_t>(name_end - base_);
    out_->header = static_cast<Header>(static_cast<uint8_t>(out_->header) | unusual_row);
    ++out_;
  }

  const char* base_;
  const char* end_;
  Row* out_;
};

}  // namespace
}  // namespace viaduct::sip
