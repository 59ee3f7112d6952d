// The splice with AVX-512: a piece of up to 64 octets is one load, one store, and two additions to the sums, whatever
// its length; masks take the place of branches.
#include "dataplane/splice.h"
#include "net/checksum_bytes512.h"

namespace viaduct::dataplane {
namespace {

using net::ByteSums;

int growth_of(const proxy::Edit& edit) { return edit.text_size - (edit.end - edit.begin); }

// In ascending order a piece that moves left runs over nothing that is still to be read.
bool moves_left_throughout(const proxy::Edits& edits) {
  int left = edits.growth(), least = left;
  for (size_t i = 0; i < edits.count(); ++i) {
    left -= growth_of(edits[i]);
    least = left < least ? left : least;
  }
  return least >= 0;
}

[[gnu::always_inline]] inline void move(const uint8_t* from, size_t size, uint8_t* to, ByteSums& sums) {
  for (; size > 64; from += 64, to += 64, size -= 64) {
    const __m512i octets = _mm512_loadu_si512(from);
    _mm512_storeu_si512(to, octets);
    sums.add(octets);
  }
  const __mmask64 some = ByteSums::first(size);
  const __m512i octets = _mm512_maskz_loadu_epi8(some, from);
  _mm512_mask_storeu_epi8(to, some, octets);
  sums.add(octets);
}

}  // namespace

uint64_t splice_avx512(const proxy::Edits& edits, uint8_t* message, uint16_t from, uint16_t end) {
  if (!moves_left_throughout(edits)) [[unlikely]]
    return splice_plain(edits, message, from, end);
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
      move(reinterpret_cast<const uint8_t*>(edits.text_of(edit).data()), edit.text_size, to, sums);
    }
    piece = message + edit.end;
    left -= growth_of(edit);
  }
  sums.at_place(place(piece));
  sums.add_span(piece, static_cast<size_t>(message + end - piece));
  return sums.machine_sum();
}

}  // namespace viaduct::dataplane
