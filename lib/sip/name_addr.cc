// name-addr / addr-spec with header parameters (RFC 3261 sections 20.10 and 25.1).
//
//   "J. Doe, \"Jr\"" <sip:jdoe@example.com;lr>;tag=1     quotes and brackets shield what is inside
//   caller<sip:caller@example.com>;tag=1                 no white space needed before '<' (RFC 4475 section 3.1.1.6)
//   sip:caller@example.com;tag=1                         without brackets every parameter is the header's
//
// A comma or semicolon in an unquoted display name is a fault: one peer sees two values or a parameter where another
// sees a name (RFC 4475 section 3.1.2.15). Other octets in a display name are nobody's concern here.
#include "sip/name_addr.h"

#include "sip/cursor.h"

namespace viaduct::sip {
namespace {

// Leaves `in` at the first octet after the address: a ';' or the end, if the value is well-formed.
bool read_address(Cursor& in, Slice& uri) {
  const char* from = in.p;
  bool quoted = false;
  while (true) {
    in.run<address_char>();
    if (!in.at('"')) break;
    quoted = true;
    if (!in.skip_quoted()) return false;
  }
  if (in.eat('<')) {
    const char* inside = in.p;
    in.find('>');
    uri = in.slice(inside, in.p);
    if (in.done()) return false;
    ++in.p;
    in.skip_lws();
    return !uri.empty();
  }
  // An addr-spec, which has no quotes and ends at the first parameter.
  if (quoted || in.at(',') || in.at('>')) return false;
  const char* to = in.p;
  while (to != from && is(to[-1], lws_char)) --to;
  uri = in.slice(from, to);
  return !uri.empty();
}

// One SEMI generic-param; `in` is at its semicolon. Leaves `in` at the next one or the end.
bool read_param(Cursor& in, Slice& name, Slice& value) {
  if (!in.eat(';')) return false;
  in.skip_lws();
  name = in.run<token_char>();
  if (name.empty()) return false;
  value = {name.end, name.end};
  in.skip_lws();
  if (!in.eat('=')) return true;
  in.skip_lws();
  const char* from = in.p;
  if (in.at('"')) {
    if (!in.skip_quoted()) return false;
  } else {
    in.run<param_value_char>();
    if (!in.done() && is(*in.p, visible_high_char)) in.run<param_value_char | visible_high_char>();
  }
  value = in.slice(from, in.p);
  in.skip_lws();
  return true;
}

}  // namespace

bool parse_name_addr(std::string_view bytes, Slice value, Slice& uri, Slice& params) {
  Cursor in(bytes, value);
  if (!read_address(in, uri)) return false;
  params = in.slice(in.p, in.end);
  Slice name, param_value;
  while (!in.done()) {
    if (!read_param(in, name, param_value)) return false;
  }
  return true;
}

bool find_tag(std::string_view bytes, Slice value, Slice& tag, bool& has_tag) {
  Cursor in(bytes, value);
  Slice uri, name, param_value;
  if (!read_address(in, uri)) return false;
  while (!in.done()) {
    if (!read_param(in, name, param_value)) return false;
    if (name.size() != 3 || in.key(name) != key_of("tag")) continue;
    if (has_tag || param_value.empty()) return false;
    has_tag = true;
    tag = param_value;
  }
  return true;
}

}  // namespace viaduct::sip
