// URIs (RFC 3261 section 19.1.1). The userinfo is split off first, at the '@': a ';' or '?' before it is part of the
// user (conformance rule PAR-26). Nothing is unescaped, ever.
#include "sip/cursor.h"
#include "sip/decimal.h"
#include "sip/host.h"
#include "sip/message.h"

namespace viaduct::sip {
namespace {

// escaped = "%" HEXDIG HEXDIG: a '%' that starts none is read differently by different peers.
bool escapes_are_whole(const Cursor& in, Slice slice) {
  const char* end = in.base + slice.end;
  for (const char* p = in.base + slice.begin; (p = find16(p, end, in.readable, '%')) != end; p += 3) {
    if (end - p < 3 || !is(p[1], hex_char) || !is(p[2], hex_char)) return false;
  }
  return true;
}

// A user ends at an '@', which can stand nowhere else: what reads like a user up to anything else is the host and what
// follows it.
bool read_user(Cursor& in, Uri& uri) {
  const char* from = in.p;
  const Slice user = in.run<user_char>();
  if (!in.at('@')) {
    in.p = from;
    return true;
  }
  uri.user = user;
  ++in.p;
  return !user.empty() && escapes_are_whole(in, user);
}

// Takes note of the parameters a proxy acts upon; each of them may occur once.
bool note_param(const Cursor& in, Slice name, Slice value, Uri& uri) {
  auto once = [&](Slice& field) {
    if (!field.empty()) return false;
    field = value;
    return true;
  };
  switch (name.size()) {
    case 2: {
      const uint64_t key = in.key(name);
      if (key == name_key("lr")) uri.has_lr = true;
      return key != name_key("vd") || once(uri.vd);
    }
    case 5:
      return in.key(name) != name_key("maddr") || once(uri.maddr);
    case 9:
      return !equals_ignoring_case(in.text(name), "transport") || once(uri.transport);
    default:
      return true;
  }
}

bool read_params(Cursor& in, Uri& uri) {
  const char* from = in.p;
  while (in.eat(';')) {
    const Slice name = in.run<uri_param_char>();
    if (name.empty()) return false;
    Slice value{name.end, name.end};
    if (in.eat('=')) value = in.run<uri_param_char>();
    if (!note_param(in, name, value, uri)) return false;
  }
  uri.params = in.slice(from, in.p);
  return escapes_are_whole(in, uri.params);
}

bool read_sip_uri(Cursor& in, Uri& uri) {
  if (!read_user(in, uri) || !read_host(in, uri.host)) return false;
  if (in.eat(':') && !read_port(in, uri.host.port)) return false;
  if (!read_params(in, uri)) return false;
  if (in.at('?')) {
    const char* from = in.p++;
    in.run<uri_header_char>();
    uri.headers = in.slice(from, in.p);
    if (!escapes_are_whole(in, uri.headers)) return false;
  }
  return in.done();
}

}  // namespace

bool parse_uri(std::string_view bytes, Slice slice, Uri& uri) {
  uri = Uri{};
  uri.text = slice;
  Cursor in(bytes, slice);
  const Slice scheme = in.run<scheme_char>();
  if (scheme.empty() || !in.eat(':')) return false;
  const uint64_t key = in.key(scheme);
  if (scheme.size() == 3 && key == name_key("sip")) {
    uri.scheme = Scheme::sip;
  } else if (scheme.size() == 4 && key == name_key("sips")) {
    uri.scheme = Scheme::sips;
  } else {
    uri.scheme = scheme.size() == 3 && key == name_key("tel") ? Scheme::tel : Scheme::other;
    const Slice rest = in.run<absolute_uri_char>();
    return !rest.empty() && in.done();
  }
  return read_sip_uri(in, uri);
}

}  // namespace viaduct::sip
