// The scan of a plain message, 64 octets at a time: what the kernels share. Included by each of them, hence in an
// unnamed namespace: one definition for all would run on the wrong CPU.
//
// A header section as nearly everybody sends it has CR LF at the end of every line, no other CR or LF, and no NUL. Two
// words, a bit an octet, say all of that, and where the lines begin:
//
//   octets      …  2 . 0 ␍ ␊ V i a : x ␍ ␊ ␍ ␊
//   feeds          . . . . 1 . . . . . . 1 . 1     each must be where `returns`, moved by one, is, and nowhere else
//   returns        . . . 1 . . . . . . 1 . 1 .
//   starts         . . . . . 1 . . . . . . 1 .     feeds, moved by one: where a row begins
//   end            . . . . . . . . . . . . 1 .     both a start and a return: the empty line
//
// A block begins with the last octet of the one before, so that what is moved need not be carried from block to block.
//
// What the words do not say is left to those who look at the rows anyway: that none begins with white space, which
// would be a fold. Whatever is not plain is scanned again, by the loop that can tell all cases (scan_loop.h).
#pragma once

#include "sip/scan_loop.h"

namespace viaduct::sip {
namespace {

inline constexpr size_t plain_step = block_bytes - 1;

// `Vector` is the kernel's:
//   start(at)                         the next block is at `at`, and the others behind it, plain_step apart
//   look(p)                           at the 64 octets at p; then feeds() and returns() are their words
//   any_nul()                         in what has been looked at
//   write(places, word, count, base)  as write_places for the block looked at last; may write up to 16 places always
template <class Vector>
class PlainLoop {
 public:
  PlainLoop(std::string_view text, Scan& scan) : text_(text), scan_(scan), places_(scan.begin.data() + 1) {}

  bool run() {
    if (text_.size() < block_bytes) return false;
    const uint16_t* const enough = scan_.begin.data() + Scan::rows_max;
    const size_t last = text_.size() - block_bytes;
    size_t at = 0;
    scan_.begin[0] = 0;
    vector_.start(0);
    for (; at <= last; at += plain_step) {
      if (const uint64_t ends = add(at, 0)) return finish(ends, at);
      if (places_ > enough) [[unlikely]]
        return false;
    }
    // The last octets: the end of the block that ends with them.
    vector_.start(last);
    const uint64_t ends = add(last, at - last + 1);
    return ends != 0 && finish(ends, last);
  }

 private:
  // Takes the rows of the block at `at`, without those that begin in its first `known` octets. If it has an empty line,
  // only those before it, and the result is not 0.
  [[gnu::always_inline]] uint64_t add(size_t at, size_t known) {
    vector_.look(text_.data() + at);
    const uint64_t returns = vector_.returns();
    uint64_t unpaired = returns << 1 ^ vector_.feeds();
    uint64_t starts = (vector_.feeds() << 1) & ~lowest_bits(known);
    const uint64_t ends = starts & returns;
    if (ends != 0) [[unlikely]] {
      const uint64_t up_to_end = ends ^ (ends - 1);
      unpaired &= up_to_end;
      starts &= up_to_end;
    }
    unpaired_ |= unpaired;
    const auto count = static_cast<unsigned>(__builtin_popcountll(starts));
    vector_.write(places_, starts, count, at);
    places_ += count;
    return ends;
  }

  bool finish(uint64_t ends, size_t at) {
    const size_t place = at + lowest_bit(ends);
    scan_.rows = static_cast<uint32_t>(places_ - scan_.begin.data() - 1);
    scan_.headers_end = static_cast<uint32_t>(place);
    scan_.ended = true;
    scan_.bare = scan_.nul = false;
    return unpaired_ >> 1 == 0 && !vector_.any_nul() && scan_.rows <= Scan::rows_max && place + 1 < text_.size() &&
           text_[place + 1] == '\n';
  }

  std::string_view text_;
  Scan& scan_;
  Vector vector_;
  uint16_t* places_;
  uint64_t unpaired_ = 0;  // but for its lowest bit, which a block before tells
};

}  // namespace
}  // namespace viaduct::sip
