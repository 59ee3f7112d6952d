// The splice with AVX-512: a piece of up to 64 octets is one load, one store, and two additions to the sums, whatever
// its length; masks take the place of branches.
#include "dataplane/splice.h"
#include "net/checksum_bytes512.h"

namespace viaduct::dataplane {
namespace {

using net::ByteSums;

// `overrun`: what is behind `to` and `size` is written later, or nobody's. The end is added to sum `which`, what is in
// front of it to the other one.
template <bool overrun = false, size_t which = 0>
[[gnu::always_inline]] inline void move(const uint8_t* from, size_t size, uint8_t* to, ByteSums& sums) {
  for (; size > 64; from += 64, to += 64, size -= 64) {
    const __m512i octets = _mm512_loadu_si512(from);
    _mm512_storeu_si512(to, octets);
    sums.add<1 - which>(octets);
  }
  const __mmask64 some = ByteSums::first(size);
  const __m512i octets = _mm512_maskz_loadu_epi8(some, from);
  if constexpr (overrun) {
    _mm512_storeu_si512(to, octets);
  } else {
    _mm512_mask_storeu_epi8(to, some, octets);
  }
  sums.add<which>(octets);
}

// The same to a higher address, where what is written may run over what is behind: from the end, in steps of an even
// number of octets from the beginning, which the sums go by.
[[gnu::always_inline]] inline void move_right(const uint8_t* from, size_t size, uint8_t* to, ByteSums& sums) {
  size_t at = size / 64 * 64;
  const __mmask64 some = ByteSums::first(size - at);
  const __m512i last = _mm512_maskz_loadu_epi8(some, from + at);
  _mm512_mask_storeu_epi8(to + at, some, last);
  sums.add(last);
  while (at != 0) {
    at -= 64;
    const __m512i octets = _mm512_loadu_si512(from + at);
    _mm512_storeu_si512(to + at, octets);
    sums.add(octets);
  }
}

// A response has lost our Via, so what stood in front of it moves right; in a request that has lost a Route some pieces
// move left besides. Those go first, in ascending order, then the others, in descending order, and no text is written
// before all have moved: so nothing runs over what is still to be read.
uint64_t splice_both_ways(const proxy::Edits& edits, uint8_t* message, uint16_t from, uint16_t end) {
  const size_t count = edits.count();
  const uint8_t* const start = message + from - edits.growth();
  const auto place = [start](const uint8_t* at) { return static_cast<size_t>(at - start); };
  std::array<int, proxy::edits_max> left;  // by how many octets the piece in front of an edit moves
  ByteSums sums;
  const auto each_piece = [&](size_t i, auto&& move_piece) {
    const uint8_t* const piece = message + (i == 0 ? from : edits[i - 1].end);
    uint8_t* const to = message + edits[i].begin - left[i];
    const auto size = static_cast<size_t>(message + edits[i].begin - piece);
    sums.at_place(place(to) - size);
    move_piece(piece, size, to - size, sums);
  };
  int still_left = edits.growth();
  for (size_t i = 0; i < count; ++i) {
    left[i] = still_left;
    still_left -= edits[i].growth();
    if (left[i] >= 0) each_piece(i, move<>);
  }
  for (size_t i = count; i-- > 0;) {
    if (left[i] < 0) each_piece(i, move_right);
  }
  for (size_t i = 0; i < count; ++i) {
    if (edits[i].text_size == 0) continue;
    uint8_t* const to = message + edits[i].begin - left[i];
    sums.at_place(place(to));
    move<false, 1>(reinterpret_cast<const uint8_t*>(edits.text_of(edits[i]).data()), edits[i].text_size, to, sums);
  }
  const uint8_t* const behind = message + edits[count - 1].end;
  sums.at_place(place(behind));
  sums.add_span(behind, static_cast<size_t>(message + end - behind));
  return sums.machine_sum();
}

}  // namespace

// In ascending order a piece that moves left runs over nothing that is still to be read.
uint64_t splice_avx512(const proxy::Edits& edits, uint8_t* message, uint16_t from, uint16_t end) {
  if (!edits.only_grows()) return splice_both_ways(edits, message, from, end);
  int left = edits.growth();
  const uint8_t* const start = message + from - left;
  const auto place = [start](const uint8_t* at) { return static_cast<size_t>(at - start); };
  ByteSums sums;
  const uint8_t* piece = message + from;
  for (size_t i = 0; i < edits.count(); ++i) {
    const proxy::Edit& edit = edits[i];
    uint8_t* const to = message + edit.begin - left;
    const auto size = static_cast<size_t>(message + edit.begin - piece);
    sums.at_place(place(to) - size);
    move(piece, size, to - size, sums);
    if (edit.text_size != 0) {
      sums.at_place(place(to));
      move<false, 1>(reinterpret_cast<const uint8_t*>(edits.text_of(edit).data()), edit.text_size, to, sums);
    }
    piece = message + edit.end;
    left -= edit.growth();
  }
  sums.at_place(place(piece));
  sums.add_span(piece, static_cast<size_t>(message + end - piece));
  return sums.machine_sum();
}

// Written in ascending order, so that each piece may run over: the next one, or who writes behind, comes after it.
uint64_t splice_to_avx512(const proxy::Edits& edits, const uint8_t* message, uint16_t from, uint16_t end, uint8_t* to) {
  ByteSums sums;
  uint8_t* at = to;
  const auto next = [&](size_t size) __attribute__((always_inline)) {
    sums.at_place(static_cast<size_t>(at - to));
    uint8_t* const place = at;
    at += size;
    return place;
  };
  const auto put_piece = [&](const uint8_t* begin, const uint8_t* behind) __attribute__((always_inline)) {
    const auto size = static_cast<size_t>(behind - begin);
    move<true>(begin, size, next(size), sums);
  };
  const uint8_t* piece = message + from;
  for (size_t i = 0; i < edits.count(); ++i) {
    const proxy::Edit& edit = edits[i];
    put_piece(piece, message + edit.begin);
    if (edit.text_size != 0) {
      const auto* const text = reinterpret_cast<const uint8_t*>(edits.text_of(edit).data());
      move<true, 1>(text, edit.text_size, next(edit.text_size), sums);
    }
    piece = message + edit.end;
  }
  put_piece(piece, message + end);
  return sums.machine_sum();
}

}  // namespace viaduct::dataplane
