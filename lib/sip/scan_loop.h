// The scan, 64 octets at a time: what the kernels share. Included by each of them, so that it is compiled for each, and
// hence in an unnamed namespace: one definition for all would run on the wrong CPU.
//
// Every octet is looked at together with the two in front of it, by loading the block three times, an octet apart. A
// few comparisons then make three words, a bit an octet, and nothing need be carried from block to block:
//
//   octets       …  2 . 0 ␍ ␊ V i a : x ␍ ␊ ␍ ␊
//   starts          . . . . . 1 . . . . . . 1 .     the one before is LF
//   unpaired        . . . . . . . . . . . . . .     that, or the one before that is CR, but not both
//   odd             . . . . . . . . . . . . 1 .     starts, and is a space or less
//
// An odd start is the exception to look at closely: white space (a fold: no start), CR or LF (the end), or a row that
// begins with a control octet. A block without one only adds its starts to the list.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "sip/scan.h"

namespace viaduct::sip {
namespace {

inline constexpr size_t block_bytes = 64;

inline uint64_t lowest_bits(size_t count) { return count >= 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1; }
inline unsigned lowest_bit(uint64_t word) { return static_cast<unsigned>(__builtin_ctzll(word)); }

// Writes the places of the bits of `word`, `count` of them, without the `written` lowest.
inline void write_rest(uint16_t* places, uint64_t word, unsigned written, unsigned count, size_t base) {
  for (unsigned i = 0; i < count; ++i, word &= word - 1) {
    if (i >= written) places[i] = static_cast<uint16_t>(base + lowest_bit(word));
  }
}

// The same for all of them without vectors to help: a block of headers rarely has more than two starts, and two at once
// need no branch.
inline void write_places(uint16_t* places, uint64_t word, unsigned count, size_t base) {
  constexpr uint64_t sentinel = uint64_t{1} << 63;  // the count of trailing zeros of 0 is not defined
  places[0] = static_cast<uint16_t>(base + lowest_bit(word | sentinel));
  places[1] = static_cast<uint16_t>(base + lowest_bit((word & (word - 1)) | sentinel));
  if (count > 2) [[unlikely]]
    write_rest(places, word, 2, count, base);
}

// `Vector` is the kernel's. It has a type `Block` with starts(), unpaired() and odd() as above, the latter two of use
// only now and then, and any_odd(); and
//   start(at)                         the next block is at `at`, and the others behind it
//   Block look(p)                     at the 64 octets at p, with the two in front of them
//   keep(block)                       adds its unpaired() to what any_unpaired() tells
//   any_unpaired(), any_nul()         over all blocks kept, and over all looked at
//   write(places, word, count, base)  as write_places for the block looked at last; may write up to 16 places always
template <class Vector>
class ScanLoop {
 public:
  ScanLoop(std::string_view text, Scan& scan) : text_(text), scan_(scan) {}

  void run(size_t from) {
    scan_.begin[0] = static_cast<uint16_t>(from);
    scan_.ended = false;
    nul_ = text_.size() - from > 1 && text_[from + 1] == '\0';
    size_t at = std::min(from + 2, text_.size());
    vector_.start(at);
    for (size_t blocks = (text_.size() - at) / block_bytes; blocks != 0; --blocks, at += block_bytes) {
      const auto block = vector_.look(text_.data() + at);
      if (block.any_odd()) [[unlikely]] {
        if (odd_block(block, at, 0)) return finish();
        continue;
      }
      vector_.keep(block);
      add(block.starts(), at);
      if (count_ > Scan::rows_max) [[unlikely]]
        return finish();
    }
    if (!tail(at)) {
      scan_.headers_end = static_cast<uint32_t>(text_.size());
      bare_ |= ends_unpaired(text_.substr(from));
    }
    finish();
  }

 private:
  // The last octets, fewer than a block: the end of a block that ends with them, or, in a short text, of a copy. True
  // at the end of the headers.
  bool tail(size_t at) {
    const size_t left = text_.size() - at;
    if (left == 0) return false;
    const size_t known = block_bytes - left;
    vector_.start(at - known);
    if (at >= known + 2) return odd_block(vector_.look(text_.data() + at - known), at - known, known);
    char copy[block_bytes + 2];
    memset(copy, 'a', sizeof copy);
    memcpy(copy + known, text_.data() + at - 2, left + 2);
    return odd_block(vector_.look(copy + 2), at - known, known);
  }

  // The word `unpaired` tells of an LF one octet later, and of a CR two: not of the last ones.
  static bool ends_unpaired(std::string_view text) {
    const char last = text.back();
    const char before = text.size() > 1 ? text[text.size() - 2] : 'a';
    return last == '\r' || (last == '\n') != (before == '\r');
  }

  // A block with lines that do not begin like a header, or of which the first `known` octets were in a block before.
  // `at` may wrap around below zero. True at the end of the headers.
  bool odd_block(const typename Vector::Block& block, size_t at, size_t known) {
    uint64_t starts = block.starts() & ~lowest_bits(known);
    uint64_t unpaired = block.unpaired() & ~lowest_bits(known);
    for (uint64_t odd = block.odd() & ~lowest_bits(known); odd != 0; odd &= odd - 1) {
      const unsigned bit = lowest_bit(odd);
      const size_t place = at + bit;
      const char c = text_[place];
      if (c == ' ' || c == '\t') starts &= ~(uint64_t{1} << bit);
      if (c != '\r' && c != '\n') continue;
      starts &= lowest_bits(bit);
      unpaired &= lowest_bits(bit + 1);
      scan_.headers_end = static_cast<uint32_t>(place);
      scan_.ended = true;
      bare_ |= c == '\n' || place + 1 == text_.size() || text_[place + 1] != '\n';
      break;
    }
    bare_ |= unpaired != 0;
    add(starts, at);
    return scan_.ended || count_ > Scan::rows_max;
  }

  void add(uint64_t starts, size_t at) {
    const auto count = static_cast<unsigned>(__builtin_popcountll(starts));
    vector_.write(scan_.begin.data() + count_, starts, count, at);
    count_ += count;
  }

  void finish() {
    scan_.rows = static_cast<uint32_t>(count_);
    scan_.bare = bare_ || vector_.any_unpaired();
    scan_.nul = nul_ || vector_.any_nul();
    if (count_ > Scan::rows_max) [[unlikely]] {
      scan_.rows = Scan::rows_max + 1;
      scan_.headers_end = scan_.begin[Scan::rows_max];
      scan_.ended = scan_.bare = scan_.nul = false;
    }
    scan_.begin[scan_.rows] = static_cast<uint16_t>(scan_.headers_end);
  }

  std::string_view text_;
  Scan& scan_;
  Vector vector_;
  size_t count_ = 1;  // rows
  bool bare_ = false;
  bool nul_ = false;
};

}  // namespace
}  // namespace viaduct::sip
