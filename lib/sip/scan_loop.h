// The scan, 64 octets at a time: what the kernels share. Included by each of them, so that it is compiled for each, and
// hence in an unnamed namespace: one definition for all would run on the wrong CPU.
//
// A block of 64 octets becomes three words, a bit an octet: where line feeds are, where carriage returns, and where
// octets that are no token characters. The rest is arithmetic on words.
//
//   octets     …  2 . 0 ␍ ␊ V i a :   S I P / …
//   feed          . . . . 1 . . . . . . . . .
//   start         . . . . . 1 . . . . . . . .     feed, one further
//   token         1 1 1 . . 1 1 1 . . 1 1 1 .     not `other`
//   token+start   1 1 1 . . . . . 1 . 1 1 1 .     the carry runs through the name to the octet behind it
//   …&other       . . . . . . . . 1 . . . . .     name end
//
// Carries go from word to word: a name or a line break may lie across two blocks. A start that is no token character is
// the exception to look at closely: white space (a fold: no start), CR or LF (the end), or a name that is malformed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "sip/scan.h"

namespace viaduct::sip {
namespace {

inline constexpr size_t block_bytes = 64;

struct BlockMasks {
  uint64_t feed;
  uint64_t carriage;
  uint64_t other;  // neither alphanum nor -.!%*_+`'~
};

inline uint64_t lowest_bits(unsigned count) { return count >= 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1; }
inline unsigned lowest_bit(uint64_t word) { return static_cast<unsigned>(__builtin_ctzll(word)); }

// Writes the places of the `count` bits of `word`, from the `written` lowest that are written already on.
inline void write_rest(uint16_t* marks, uint64_t word, unsigned written, unsigned count, size_t base) {
  for (unsigned i = written; i < count; ++i, word &= word - 1) {
    marks[i] = static_cast<uint16_t>(base + lowest_bit(word));
  }
}

// The same without vectors to help: a block of headers rarely has more than four marks, and four at once need no
// branch.
inline void write_places(uint16_t* marks, uint64_t word, unsigned count, size_t base) {
  if (count == 0) return;
  for (unsigned i = 0; i < 4; ++i) {
    marks[i] = static_cast<uint16_t>(base + lowest_bit(word | uint64_t{1} << 63));
    word &= word - 1;
  }
  write_rest(marks, word, 4, count, base);
}

// `Vector` is the kernel's: `masks(p)` of the 64 octets at p, `saw_nul()` over all of them so far, and
// `write(marks, word, count, base)`, which may write 16 marks where there are fewer.
template <class Vector>
class ScanLoop {
 public:
  ScanLoop(std::string_view text, Scan& scan) : text_(text), scan_(scan) {}

  void run(size_t from) {
    size_t at = from;
    for (; text_.size() - at >= block_bytes; at += block_bytes) {
      if (block(vector_.masks(text_.data() + at), at, block_bytes)) return finish();
    }
    const size_t left = text_.size() - at;
    if (left != 0 && block(tail(at, left), at, left)) return finish();
    // No empty line.
    bare_ |= after_carriage_;
    scan_.headers_end = static_cast<uint32_t>(text_.size());
    scan_.ended = false;
    if (count_ & 1) scan_.marks[count_++] = static_cast<uint16_t>(text_.size());
    finish();
  }

 private:
  // The last octets, fewer than a block: the end of a block that ends with them, or, in a short text, a copy. What is
  // behind them reads as token characters.
  BlockMasks tail(size_t at, size_t left) {
    if (text_.size() >= block_bytes) {
      const auto shift = static_cast<unsigned>(block_bytes - left);
      const BlockMasks whole = vector_.masks(text_.data() + text_.size() - block_bytes);
      return {whole.feed >> shift, whole.carriage >> shift, whole.other >> shift};
    }
    char copy[block_bytes];
    memset(copy, 'a', sizeof copy);
    memcpy(copy, text_.data() + at, left);
    return vector_.masks(copy);
  }

  // True if nothing behind this block is of interest.
  bool block(BlockMasks masks, size_t at, size_t size) {
    uint64_t start = ((masks.feed << 1) | after_feed_) & lowest_bits(static_cast<unsigned>(size));
    const uint64_t unpaired = ((masks.carriage << 1) | after_carriage_) ^ masks.feed;
    after_feed_ = masks.feed >> 63;
    after_carriage_ = masks.carriage >> 63;
    if (start & masks.other) [[unlikely]]
      return odd_block(masks, start, unpaired, at);
    bare_ |= unpaired;
    mark(start | name_ends(masks.other, start), at);
    return count_ > 2 * Scan::rows_max;
  }

  // A block with lines that do not begin with a name.
  bool odd_block(BlockMasks masks, uint64_t start, uint64_t unpaired, size_t at) {
    uint64_t inside = ~uint64_t{0};  // the octets in front of the empty line
    for (uint64_t odd = start & masks.other; odd != 0; odd &= odd - 1) {
      const unsigned bit = lowest_bit(odd);
      const char c = text_[at + bit];
      if (c == ' ' || c == '\t') start &= ~(uint64_t{1} << bit);
      if (c != '\r' && c != '\n') continue;
      inside = lowest_bits(bit);
      scan_.headers_end = static_cast<uint32_t>(at + bit);
      scan_.ended = true;
      const bool paired = c == '\r' && at + bit + 1 < text_.size() && text_[at + bit + 1] == '\n';
      if (!paired) bare_ = 1;
      break;
    }
    bare_ |= unpaired & inside;
    start &= inside;
    const uint64_t ends = name_ends(masks.other, start) & inside;
    // An empty name begins and ends at one octet: it has two marks, so they cannot come from one word.
    for (uint64_t both = start | ends; both != 0; both &= both - 1) {
      const uint64_t bit = both & -both;
      const auto place = static_cast<uint16_t>(at + lowest_bit(bit));
      if (start & bit) scan_.marks[count_++] = place;
      if (ends & bit) scan_.marks[count_++] = place;
      if (count_ > 2 * Scan::rows_max) return true;
    }
    return inside != ~uint64_t{0};
  }

  uint64_t name_ends(uint64_t other, uint64_t start) {
    uint64_t sum = 0;
    bool carry = __builtin_add_overflow(~other, start, &sum);
    carry |= __builtin_add_overflow(sum, in_name_, &sum);
    in_name_ = carry;
    return sum & other;
  }

  void mark(uint64_t word, size_t at) {
    const auto count = static_cast<unsigned>(__builtin_popcountll(word));
    vector_.write(scan_.marks.data() + count_, word, count, at);
    count_ += count;
  }

  void finish() {
    if (count_ > 2 * Scan::rows_max) [[unlikely]] {
      scan_.rows = Scan::rows_max + 1;
      scan_.headers_end = scan_.begin(Scan::rows_max);
      scan_.ended = scan_.bare = scan_.nul = false;
      return;
    }
    scan_.rows = static_cast<uint32_t>(count_ / 2);
    scan_.bare = bare_ != 0;
    scan_.nul = vector_.saw_nul();
  }

  std::string_view text_;
  Scan& scan_;
  Vector vector_;
  size_t count_ = 0;  // marks
  // What the octet before the block was: a line feed (or nothing: the first line starts too), a carriage return, part
  // of a name.
  uint64_t after_feed_ = 1;
  uint64_t after_carriage_ = 0;
  uint64_t in_name_ = 0;
  uint64_t bare_ = 0;  // not 0: an unpaired CR or LF
};

}  // namespace
}  // namespace viaduct::sip
