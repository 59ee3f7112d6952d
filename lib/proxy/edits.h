// How a message is changed: a short list of replacements, applied in place.
//
// A forwarded message differs from the received one in a few places near its top (Via, Record-Route, Route,
// Max-Forwards). So the decision does not write a new message; it lists what to replace, and `apply` moves the pieces
// between the edits by the bytes that are still to be inserted below them. Everything behind the last edit, the body
// above all, stays where it is: a message that grows slides toward lower addresses, into the buffer's headroom.
//
// The rules that change a message know nothing of each other's places, so edits may be given in any order; the list
// keeps itself ascending.
#pragma once

#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "sip/message.h"

namespace viaduct::proxy {

inline constexpr size_t edits_max = 160;                   // each of 64 Route values may be an edit of its own
inline constexpr size_t edit_text_bytes_max = UINT16_MAX;  // so that each place is a number of 16 bits

// Replace [begin, end) of the received message by `text`.
struct Edit {
  uint16_t begin = 0;
  uint16_t end = 0;
  uint16_t text_begin = 0;  // in the arena
  uint16_t text_size = 0;

  // By how many bytes the message grows through it.
  int growth() const { return text_size - (end - begin); }
};

// Edits with their texts, or the text of an answer. Reused from message to message: one a worker. Nothing allocates;
// what does not fit sets `overflow`, which the decision turns into a drop.
class Edits {
 public:
  static constexpr size_t slack = 64;

  // Writes a number's digits, for which `out` needs `number_bytes_max`, and returns where they end.
  static constexpr size_t number_bytes_max = 20;
  static char* write_number(uint64_t number, char* out) {
    if (number >= 100) [[unlikely]]
      return write_long_number(number, out);
    const auto tens = static_cast<unsigned>(number) * 103 >> 10;  // Max-Forwards, Max-Breadth
    if (tens != 0) *out++ = static_cast<char>('0' + tens);
    *out++ = static_cast<char>('0' + (number - 10 * tens));
    return out;
  }

  void clear() { count_ = 0, used_ = 0, text_begin_ = 0, growth_ = 0, signs_ = 0, overflow_ = false; }

  // Text under construction at the end of the arena. `begin_text`, any number of `put`, then one of the closing calls.
  void begin_text() { text_begin_ = used_; }
  void put(std::string_view text) {
    if (text.size() > edit_text_bytes_max - used_) {
      overflow_ = true;
      return;
    }
    copy(text.data(), text.size(), arena_.data() + used_);
    used_ += static_cast<uint32_t>(text.size());
  }
  void put(char character) { put(std::string_view(&character, 1)); }
  void put_number(uint64_t number) {
    if (number_bytes_max > edit_text_bytes_max - used_) {
      overflow_ = true;
      return;
    }
    used_ = static_cast<uint32_t>(write_number(number, arena_.data() + used_) - arena_.data());
  }

  // Closing calls: the text since `begin_text` replaces [begin, end), which must not overlap another edit's. Of several
  // insertions at one place the earlier given comes first, and before what replaces the bytes behind that place.
  void replace(uint16_t begin, uint16_t end) {
    const uint32_t text_begin = std::exchange(text_begin_, used_);
    const uint32_t text_size = used_ - text_begin;
    if (count_ == edits_.size() || begin > end) {
      overflow_ = true;
      return;
    }
    const Edit edit = edit_of({begin, end}, text_begin, text_size);
    const int growth = static_cast<int>(text_size) - (end - begin);  // asked of `edit`, it came by a vector register
    growth_ += growth;
    signs_ |= growth;
    if (count_ == 0 || edits_[count_ - 1].end <= begin) {  // behind all others, as most are
      edits_[count_++] = edit;
    } else {
      place(edit);
    }
  }
  void replace(sip::Slice slice) { replace(slice.begin, slice.end); }
  void insert(uint16_t at) { replace(at, at); }
  // Without text.
  void remove(sip::Slice slice) {
    begin_text();
    replace(slice);
  }

  // The text since `begin_text`: for an answer, the whole message.
  std::string_view text() const { return {arena_.data() + text_begin_, size_t(used_ - text_begin_)}; }

  bool overflow() const { return overflow_; }
  size_t count() const { return count_; }
  const Edit& operator[](size_t index) const { return edits_[index]; }
  std::string_view text_of(const Edit& edit) const { return {arena_.data() + edit.text_begin, edit.text_size}; }

  // By how many bytes the message grows (negative: shrinks).
  int growth() const { return growth_; }
  // Whether no edit lets it shrink: then all its pieces move one way, or stay.
  bool only_grows() const { return signs_ >= 0; }

  class Pen;

  // Most texts are of 10 to 40 octets, for which a call of memcpy costs more than the copy.
  static void copy(const char* from, size_t size, char* to) {
    if (size > 32) {
      std::memcpy(to, from, size);
    } else if (size >= 16) {
      copy_ends<std::array<uint64_t, 2>>(from, size, to);
    } else if (size >= 8) {
      copy_ends<uint64_t>(from, size, to);
    } else if (size >= 4) {
      copy_ends<uint32_t>(from, size, to);
    } else {
      for (size_t i = 0; i < size; ++i) to[i] = from[i];
    }
  }

 private:
  // The first word and the last, which may overlap.
  template <class Word>
  static void copy_ends(const char* from, size_t size, char* to) {
    Word first, last;
    std::memcpy(&first, from, sizeof first);
    std::memcpy(&last, from + size - sizeof last, sizeof last);
    std::memcpy(to, &first, sizeof first);
    std::memcpy(to + size - sizeof last, &last, sizeof last);
  }
  // In one word: what is put together in memory is read back whole, and has to wait for its parts.
  static Edit edit_of(sip::Slice at, uint64_t text_begin, uint64_t text_size) {
    static_assert(std::endian::native == std::endian::little && sizeof(Edit) == sizeof(uint64_t));
    return std::bit_cast<Edit>(std::bit_cast<uint32_t>(at) | text_begin << 32 | text_size << 48);
  }
  void place(Edit edit);
  static char* write_long_number(uint64_t number, char* out);

  std::array<Edit, edits_max> edits_;
  size_t count_ = 0;
  uint32_t used_ = 0;
  uint32_t text_begin_ = 0;
  int growth_ = 0;
  int signs_ = 0;  // negative if an edit lets the message shrink
  bool overflow_ = false;
  std::array<char, edit_text_bytes_max + slack> arena_;
};

// Writes the edits that every request gets. One text begins where the one before ended, and nothing is read back from
// memory in between: where edits are put together by calls, each waits for what the one before has noted. So it lives
// in the registers of one function, which hands it to none: those that write texts are told where, and say how far.
class Edits::Pen {
 public:
  // `edits` is empty, and means nothing until `finish`. Nothing overflows: whoever writes by a pen has bounds for what
  // he writes, below `edits_max` and `edit_text_bytes_max`.
  [[gnu::always_inline]] explicit Pen(Edits& edits)
      : edits_(edits), text_(edits.arena_.data()), edit_(edits.edits_.data()) {
    assert(edits.count_ == 0 && edits.used_ == 0);
  }

  // Where the next text goes; `slack` octets behind it may be written over.
  [[gnu::always_inline]] char* text() const { return text_; }
  // What stands there up to `end` replaces `at`.
  [[gnu::always_inline]] void replace(sip::Slice at, char* end) {
    assert(at.begin <= at.end && size_t(end - edits_.arena_.data()) <= edit_text_bytes_max);
    assert(edit_ != edits_.edits_.data() + edits_.edits_.size());
    const auto size = static_cast<uint32_t>(end - text_);
    const Edit edit = edit_of(at, static_cast<uint64_t>(text_ - edits_.arena_.data()), size);
    const uint32_t gone = at.size();
    gone_ += gone;
    signs_ |= static_cast<int>(size - gone);
    text_ = end;
    if (at.begin >= last_end_) [[likely]] {
      *edit_++ = edit;
      last_end_ = at.end;
    } else {
      edits_.count_ = static_cast<size_t>(edit_ - edits_.edits_.data());
      edits_.place(edit);
      edit_ = edits_.edits_.data() + edits_.count_;
    }
  }
  [[gnu::always_inline]] void insert(uint16_t at, char* end) { replace({at, at}, end); }
  [[gnu::always_inline]] void finish() {
    edits_.count_ = static_cast<size_t>(edit_ - edits_.edits_.data());
    const auto used = static_cast<uint32_t>(text_ - edits_.arena_.data());
    edits_.used_ = edits_.text_begin_ = used;
    edits_.growth_ = static_cast<int>(used - gone_);
    edits_.signs_ = signs_;
  }

 private:
  Edits& edits_;
  char* text_;
  Edit* edit_;  // the next one
  uint16_t last_end_ = 0;
  uint32_t gone_ = 0;  // octets that are replaced
  int signs_ = 0;
};

// Applies `edits` to the message that starts at `message`, so that its last byte stays where it is. Needs `growth()`
// writable bytes before `message`. Returns where the message starts now. What lies behind `sip::Message::end` is no
// part of the message (RFC 3261 section 18.3): the caller cuts it off.
char* apply(const Edits& edits, char* message);

}  // namespace viaduct::proxy
