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
#include <utility>

namespace viaduct::proxy {

void Edits::put_number(uint64_t number) {
  char digits[20];
  const auto written = std::to_chars(digits, digits + sizeof digits, number);
  put(std::string_view(digits, static_cast<size_t>(written.ptr - digits)));
}

void Edits::put_hex(uint64_t value, unsigned digits) {
  char text[16];
  for (unsigned i = digits; i-- > 0; value >>= 4) text[i] = "0123456789abcdef"[value & 15];
  put(std::string_view(text, digits));
}

void Edits::replace(uint16_t begin, uint16_t end) {
  const uint32_t text_begin = std::exchange(text_begin_, used_);
  const uint32_t text_size = used_ - text_begin;
  if (count_ == edits_.size() || begin > end || text_begin > UINT16_MAX || text_size > UINT16_MAX) {
    overflow_ = true;
    return;
  }
  const Edit edit{begin, end, static_cast<uint16_t>(text_begin), static_cast<uint16_t>(text_size)};
  const auto before = [](const Edit& a, const Edit& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  };
  Edit* const last = edits_.data() + count_;
  Edit* place = last;
  while (place != edits_.data() && before(edit, place[-1])) --place;
  const bool overlaps = (place != edits_.data() && place[-1].end > begin) || (place != last && place->begin < end);
  if (overlaps) {
    overflow_ = true;
    return;
  }
  std::copy_backward(place, last, last + 1);
  *place = edit;
  ++count_;
}

void Edits::remove(sip::Slice slice) {
  begin_text();
  replace(slice.begin, slice.end);
}

int Edits::growth() const {
  int growth = 0;
  for (size_t i = 0; i < count_; ++i) growth += edits_[i].text_size - (edits_[i].end - edits_[i].begin);
  return growth;
}

char* apply(const Edits& edits, char* message) {
  const size_t count = edits.count();
  if (count == 0) return message;

  // left[i]: by how many bytes the piece before edit i moves left.
  std::array<int, edits_max> left;
  int sum = 0;
  for (size_t i = count; i-- > 0;) {
    sum += edits[i].text_size - (edits[i].end - edits[i].begin);
    left[i] = sum;
  }
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
    if (!text.empty()) std::memcpy(message + edits[i].begin - left[i], text.data(), text.size());
  }
  return message - sum;
}

}  // namespace viaduct::proxy
