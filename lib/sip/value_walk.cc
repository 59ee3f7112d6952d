// Lists: values separated by commas, in one row or in several (RFC 3261 section 7.3.1).
#include "sip/cursor.h"
#include "sip/list.h"
#include "sip/message.h"

namespace viaduct::sip {

bool skip_value(Cursor& in) {
  bool in_angle = false;
  for (; !in.done(); ++in.p) {
    switch (*in.p) {
      case '"':
        if (in_angle) break;
        if (!in.skip_quoted()) return false;
        --in.p;
        break;
      case '<':
        in_angle = true;
        break;
      case '>':
        in_angle = false;
        break;
      case ',':
        if (!in_angle) return true;
        break;
      default:
        break;
    }
  }
  return !in_angle;
}

ValueWalk::ValueWalk(const Message& message, Header header)
    : message_(message), header_(header), row_(message.first_row_of[static_cast<size_t>(header)]) {}

const Row& ValueWalk::row() const { return message_.rows[row_ - 1]; }

bool ValueWalk::next_row() {
  if (row_ == 0) return false;
  if (!started_) return started_ = true;
  while (row_ < message_.row_count) {
    ++row_;
    if (row().header == header_) return true;
  }
  return false;
}

bool ValueWalk::next() {
  if (bad_) return false;
  if (!started_ || last_in_row_) {
    do {
      if (!next_row()) return false;
    } while (row().value.empty() && header_ == Header::supported);  // the one list here that may be empty
    position_ = row().value.begin;
    first_in_row_ = true;
  } else {
    first_in_row_ = false;
    previous_end_ = value_.end;
  }
  Cursor in(message_.bytes, {position_, row().value.end});
  const char* from = in.p;
  if (!skip_value(in)) return !(bad_ = true);
  const char* to = in.p;
  while (to != from && is(to[-1], lws_char)) --to;
  value_ = in.slice(from, to);
  last_in_row_ = in.done();
  if (in.eat(',')) {
    in.skip_lws();
    position_ = in.slice(in.p, in.p).begin;
  }
  // A list ends in a value, and none is empty.
  if (value_.empty() || (!last_in_row_ && in.done())) bad_ = true;
  return !bad_;
}

Slice ValueWalk::removal() const {
  if (!last_in_row_) return {value_.begin, position_};
  if (first_in_row_) return {row().begin, row().next};
  return {previous_end_, value_.end};
}

}  // namespace viaduct::sip
