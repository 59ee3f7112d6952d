// The list of replacements, and how they are applied in place.
//
//   received   |start line|        Via rows        |MF|      rest of the head       | body |
//                          ^own Via        ^stamp    ^-1
//   sent    |start line|own Via|       Via rows |..|MF|      rest of the head       | body |
//           <- each piece moves left by what is inserted behind it         stays where it is
//
// A piece that moves left can only run over its left neighbour, one that moves right only over its right one. So pieces
// that move left are moved in ascending order, those that move right in descending order, and none is read after being
// written over.
#include "proxy/edits.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <utility>

namespace viaduct::proxy {

char* Edits::write_long_number(uint64_t number, char* out) {
  static_assert(number_bytes_max > std::numeric_limits<uint64_t>::digits10);
  return std::to_chars(out, out + number_bytes_max, number).ptr;
}

// Puts it where it belongs among those that are there.
void Edits::place(Edit edit) {
  const auto before = [](const Edit& a, const Edit& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  };
  Edit* const last = edits_.data() + count_;
  Edit* place = last;
  while (place != edits_.data() && before(edit, place[-1])) --place;
  const bool overlaps =
      (place != edits_.data() && place[-1].end > edit.begin) || (place != last && place->begin < edit.end);
  if (overlaps) {
    overflow_ = true;
    return;
  }
  std::copy_backward(place, last, last + 1);
  *place = edit;
  ++count_;
}

namespace {

// Nearly every message only grows, and then one pass will do: a text ends before the piece behind it begins, since that
// piece moves left too or stays.
void apply_ascending(const Edits& edits, char* message) {
  int left = edits.growth();
  uint16_t begin = 0;
  for (size_t i = 0; i < edits.count(); ++i) {
    const Edit& edit = edits[i];
    if (left != 0) std::memmove(message + begin - left, message + begin, static_cast<size_t>(edit.begin - begin));
    Edits::copy(edits.text_of(edit).data(), edit.text_size, message + edit.begin - left);
    begin = edit.end;
    left -= edit.growth();
  }
}

void apply_in_any_direction(const Edits& edits, char* message) {
  const size_t count = edits.count();
  // left[i]: by how many bytes the piece before edit i moves left.
  std::array<int, edits_max> left;
  int sum = 0;
  for (size_t i = count; i-- > 0;) left[i] = sum += edits[i].growth();
  const auto move = [&](size_t i) {
    const uint16_t begin = i == 0 ? 0 : edits[i - 1].end;
    std::memmove(message + begin - left[i], message + begin, static_cast<size_t>(edits[i].begin - begin));
  };
  for (size_t i = 0; i < count; ++i) {
    if (left[i] > 0) move(i);
  }
  for (size_t i = count; i-- > 0;) {
    if (left[i] < 0) move(i);
  }
  for (size_t i = 0; i < count; ++i) {
    const std::string_view text = edits.text_of(edits[i]);
    Edits::copy(text.data(), text.size(), message + edits[i].begin - left[i]);
  }
}

}  // namespace

char* apply(const Edits& edits, char* message) {
  if (edits.only_grows()) {
    apply_ascending(edits, message);
  } else {
    apply_in_any_direction(edits, message);
  }
  return message - edits.growth();
}

}  // namespace viaduct::proxy
