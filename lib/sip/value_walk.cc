// Lists: values separated by commas, in one row or in several (RFC 3261 section 7.3.1).
#include "sip/cursor.h"
#include "sip/list.h"
#include "sip/message.h"

namespace viaduct::sip {

bool skip_value(Cursor& in) {
  while (!in.done()) {
    in.p = find16(in.p, in.end, in.readable, '"', '<', ',');
    if (in.done() || *in.p == ',') return true;
    if (*in.p == '"') {
      if (!in.skip_quoted()) return false;
      continue;
    }
    in.find('>');  // quotes and commas are a URI's own here
    if (!in.eat('>')) return false;
  }
  return true;
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
  }
  if (header_ == Header::route && message_.routes_apart) {
    value_ = row().value;
    return last_in_row_ = true;
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

}  // namespace viaduct::sip
