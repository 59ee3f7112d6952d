// The rows of a plain message, fast (plain_loop.h says which is; nearly all are). Included by parse.cc alone.
//
// First all rows are listed: whose they are, and where their values. This gives up at the first thing that would need a
// second look, and then nothing has been said of the message yet. Then, header by header instead of row by row, so that
// no jump depends on the order in which a sender writes them, the values are read in their usual form (usual.h). What
// is not in its usual form goes to the reader of all forms (header_reader.h), in the order of the rows, since the first
// fault is the one reported; a value read here has none.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "sip/header_reader.h"
#include "sip/message.h"
#include "sip/method.h"
#include "sip/row_name.h"
#include "sip/scan.h"
#include "sip/usual.h"

namespace viaduct::sip {

struct PlainRows {
  uint32_t repeated = 0;    // a bit for each header that has more than one row
  uint16_t more_vias = 0;   // rows of Via below the first
  uint16_t second_via = 0;  // index of the first of those
};

constexpr uint32_t bit_of(Header header) { return uint32_t{1} << static_cast<unsigned>(header); }

// More than one row of them is a fault, in requests at least.
inline constexpr uint32_t single_headers = bit_of(Header::from) | bit_of(Header::to) | bit_of(Header::call_id) |
                                           bit_of(Header::cseq) | bit_of(Header::content_length) |
                                           bit_of(Header::max_forwards) | bit_of(Header::max_breadth);

// White space off both ends of the value between the colon and the next row.
[[gnu::noinline]] inline Slice trim_any(const char* base, size_t begin, size_t end) {
  const char* p = skip(base + begin, base + end, lws_char);
  const char* e = base + end;
  while (e != p && is(e[-1], lws_char)) --e;
  return {static_cast<uint16_t>(p - base), static_cast<uint16_t>(e - base)};
}

inline bool is_visible(char c) { return static_cast<uint8_t>(c) > ' '; }

class Lister {
 public:
  Lister(Message& message, PlainRows& rows) : message_(message), rows_(rows) {}

  // Takes the row at `place`, of whose first 16 octets `octets` has those that can be read. False if it is not plain.
  [[gnu::always_inline]] bool take(const uint16_t* place, __m128i octets) {
    const char* const base = base_;
    const size_t begin = place[0], next = place[1];
    Header header;
    size_t value = begin, value_end = next - 2;
    bool spaced = true;  // a usual name has its space
    if (const UsualName* const name = usual_name_of(octets)) [[likely]] {
      header = name->header;
      value += name->size;
    } else {
      size_t length = 0;
      header = header_of_row(base + begin, octets, end_, length);
      if (header == Header::other) return true;
      if (header == unusual_row) [[unlikely]]
        return false;
      value += length + 2;
      spaced = base[value - 1] == ' ';
    }
    if (!spaced || !is_visible(base[value]) || !is_visible(base[next - 3])) [[unlikely]] {
      const Slice trimmed = trim_any(base, value - 1, next);
      value = trimmed.begin;
      value_end = trimmed.end;
    }
    Row& row = *row_++;
    const size_t index = found_++;
    row.begin = static_cast<uint16_t>(begin);
    row.value.begin = static_cast<uint16_t>(value);
    row.value.end = static_cast<uint16_t>(value_end);
    row.next = static_cast<uint16_t>(next);
    row.header = header;
    uint16_t& first = message_.first_row_of[static_cast<size_t>(header)];
    if (first == 0) [[likely]] {
      first = static_cast<uint16_t>(found_);
      return true;
    }
    rows_.repeated |= bit_of(header);
    if (header == Header::via && rows_.more_vias++ == 0) rows_.second_via = static_cast<uint16_t>(index);
    return (bit_of(header) & single_headers) == 0;
  }

  uint16_t found() const { return static_cast<uint16_t>(found_); }

 private:
  Message& message_;
  PlainRows& rows_;
  const char* const base_ = message_.bytes.data();
  const char* const end_ = base_ + message_.bytes.size();
  Row* row_ = message_.rows.data();
  size_t found_ = 0;
};

// Fills the rows of `message`. False if some row is not plain: then they mean nothing.
[[gnu::noinline]] inline bool list_plain_rows(Message& message, const Scan& scan, PlainRows& rows) {
  const char* const base = message.bytes.data();
  const char* const end = base + message.bytes.size();
  const size_t look_end = message.bytes.size() - octets16;
  const uint16_t* place = scan.begin.data() + 1;
  const uint16_t* const last = scan.begin.data() + scan.rows;
  const uint16_t* near_end = last;
  while (near_end != place && near_end[-1] > look_end) --near_end;
  Lister lister(message, rows);
  for (; place != near_end; ++place) {
    if (!lister.take(place, load16(base + *place))) return false;
  }
  for (; place != last; ++place) {
    if (!lister.take(place, load16_before(base + *place, end))) return false;
  }
  message.row_count = lister.found();
  return scan.headers_end <= row_bytes_max;  // else a row may be too long
}

// Reads them. The start line has been read.
class PlainReader {
 public:
  PlainReader(Message& message, const PlainRows& rows)
      : message_(message), rows_(rows), base_(message.bytes.data()), last_(last_look(message.bytes)) {}

  // False if routes must be checked.
  [[gnu::always_inline]] bool read() {
    read_vias();
    if (const Row* row = row_of(Header::from)) {
      if (!usual(row->value).tag(message_.from_tag, message_.has_from_tag)) [[unlikely]]
        leave(Header::from);
    }
    if (const Row* row = row_of(Header::to)) {
      if (!usual(row->value).tag(message_.to_tag, message_.has_to_tag)) [[unlikely]]
        leave(Header::to);
    }
    if (const Row* row = row_of(Header::call_id)) {
      if (usual(row->value).word()) [[likely]] {
        message_.call_id = row->value;
      } else {
        leave(Header::call_id);
      }
    }
    if (const Row* row = row_of(Header::cseq)) {
      if (!read_cseq(row->value)) [[unlikely]]
        leave(Header::cseq);
    }
    if (const Row* row = row_of(Header::content_length)) {
      uint32_t number = 0;
      if (usual(row->value).number(number)) [[likely]] {
        message_.has_content_length = true;
        message_.content_length = number;
      } else {
        leave(Header::content_length);
      }
    }
    if (message_.is_request()) read_hops();
    if (left_ != 0) [[unlikely]]
      read_left();
    if (!message_.has(Header::route)) return true;
    message_.routes_apart = message_.is_request() && are_routes_apart();
    return message_.routes_apart;
  }

 private:
  Usual usual(Slice value) const { return {base_, last_, value}; }
  const Row* row_of(Header header) const { return message_.row_of(header); }
  void leave(Header header) { left_ |= bit_of(header); }

  // One value in each row: then they are known to be well-formed.
  [[gnu::always_inline]] bool are_routes_apart() const {
    const Row* const first = row_of(Header::route);
    if (first == nullptr || !usual(first->value).in_brackets()) return false;
    if ((rows_.repeated & bit_of(Header::route)) == 0) return true;
    size_t values = 1;
    for (const Row* row = first + 1; row != message_.rows.data() + message_.row_count; ++row) {
      if (row->header != Header::route) continue;
      if (++values > route_values_max || !usual(row->value).in_brackets()) return false;
    }
    return true;
  }

  // The top two, of which each has nearly always a row of its own.
  [[gnu::always_inline]] void read_vias() {
    const Row* row = row_of(Header::via);
    if (row == nullptr) [[unlikely]]
      return;
    if (rows_.more_vias > 1 || !read_via(*row, message_.via[0])) return leave(Header::via);
    message_.via_count = 1;
    if (rows_.more_vias == 0) return;
    if (!read_via(message_.rows[rows_.second_via], message_.via[1])) return leave(Header::via);
    message_.via_count = 2;
  }
  [[gnu::always_inline]] bool read_via(const Row& row, Via& via) {
    via = Via{};
    via.removal = {row.begin, row.next};
    return usual(row.value).via(via);
  }

  [[gnu::always_inline]] bool read_cseq(Slice value) {
    if (message_.is_request()) {
      const Slice method = message_.method_text;
      const uint64_t key = word_key(base_ + method.begin, method.size(), base_ + message_.bytes.size());
      if (!usual(value).number_and_word(message_.cseq_number, key, method.size())) return false;
      message_.cseq_method = {static_cast<uint16_t>(value.end - method.size()), value.end};
      return true;
    }
    Slice method;
    if (!usual(value).number_and_name(message_.cseq_number, method)) return false;
    // Number by number: the two of a slice, stored apart and then copied as one, would have to be waited for.
    message_.cseq_method.begin = message_.method_text.begin = method.begin;
    message_.cseq_method.end = message_.method_text.end = method.end;
    message_.method = method_of(message_.text(method), message_.bytes.data() + message_.bytes.size());
    return true;
  }

  // What matters in requests alone.
  [[gnu::always_inline]] void read_hops() {
    if (const Row* row = row_of(Header::max_forwards)) {
      uint32_t number = 0;
      if (usual(row->value).number(number) && number <= 255) [[likely]] {
        message_.has_max_forwards = true;
        message_.max_forwards = static_cast<uint8_t>(number);
      } else {
        leave(Header::max_forwards);
      }
    }
    if (message_.has(Header::max_breadth)) [[unlikely]]
      leave(Header::max_breadth);
  }

  [[gnu::noinline]] void read_left() {
    if (left_ & bit_of(Header::via)) message_.via_count = 0;
    for (size_t i = 0; i < message_.row_count; ++i) {
      const Row& row = message_.rows[i];
      if (left_ & bit_of(row.header)) read_row(message_, row);
    }
  }

  Message& message_;
  const PlainRows& rows_;
  const char* base_;
  ptrdiff_t last_;
  uint32_t left_ = 0;  // headers for the reader of all forms
};

}  // namespace viaduct::sip
