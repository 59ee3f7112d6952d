// URIs (RFC 3261 section 19.1.1). The userinfo is split off first, at the '@': a ';' or '?' before it is part of the
// user (conformance rule PAR-26). Nothing is unescaped, ever.
#include "sip/cursor.h"
#include "sip/decimal.h"
#include "sip/host.h"
#include "sip/message.h"
#include "sip/usual.h"

namespace viaduct::sip {
namespace {

// A user ends at an '@', which can stand nowhere else: what reads like a user up to anything else is the host and what
// follows it.
[[gnu::always_inline]] inline bool read_user(Cursor& in, Uri& uri) {
  const char* from = in.p;
  const Slice user = in.run_escaped<user_char>();
  if (!in.at('@')) {
    in.p = from;
    return true;
  }
  uri.user = user;
  ++in.p;
  return !user.empty();
}

// Takes note of the parameters a proxy acts upon; each of them may occur once.
[[gnu::always_inline]] inline bool note_param(const Cursor& in, Slice name, Slice value, Uri& uri) {
  auto once = [&](Slice& field) {
    if (!field.empty()) return false;
    field = value;
    return true;
  };
  switch (name.size()) {
    case 2: {
      const uint64_t key = in.key(name);
      if (key == key_of("lr")) uri.has_lr = true;
      return key != key_of("vd") || once(uri.vd);
    }
    case 5: return in.key(name) != key_of("maddr") || once(uri.maddr);
    case 9: return !equals_ignoring_case(in.text(name), "transport") || once(uri.transport);
    default: return true;
  }
}

[[gnu::always_inline]] inline bool read_params(Cursor& in, Uri& uri) {
  const char* from = in.p;
  while (in.eat(';')) {
    const Slice name = in.run_escaped<uri_param_char>();
    if (name.empty()) return false;
    Slice value{name.end, name.end};
    if (in.eat('=')) value = in.run_escaped<uri_param_char>();
    if (!note_param(in, name, value, uri)) return false;
  }
  uri.params = in.slice(from, in.p);
  return true;
}

[[gnu::always_inline]] inline bool read_sip_uri(Cursor& in, Uri& uri) {
  if (!read_user(in, uri) || !read_host(in, uri.host)) return false;
  if (in.eat(':') && !read_port(in, uri.host.port)) return false;
  if (in.at(';') && !read_params(in, uri)) return false;
  if (in.at('?')) {
    const char* from = in.p++;
    in.run_escaped<uri_header_char>();
    uri.headers = in.slice(from, in.p);
  }
  return in.done();
}

bool read_scheme(Cursor& in, Uri& uri) {
  const Slice scheme = in.run<scheme_char>();
  if (scheme.empty() || !in.eat(':')) return false;
  const uint64_t key = in.key(scheme);
  uri.scheme = scheme.size() == 3 && key == key_of("sip")    ? Scheme::sip
               : scheme.size() == 4 && key == key_of("sips") ? Scheme::sips
               : scheme.size() == 3 && key == key_of("tel")  ? Scheme::tel
                                                             : Scheme::other;
  return true;
}

[[gnu::noinline]] bool parse_any_uri(std::string_view bytes, Slice slice, Uri& uri) {
  uri = Uri{};
  uri.text = slice;
  Cursor in(bytes, slice);
  if (slice.size() > 4 && memcmp(in.p, "sip:", 4) == 0) [[likely]] {
    uri.scheme = Scheme::sip;
    in.p += 4;
  } else if (!read_scheme(in, uri)) {
    return false;
  } else if (uri.scheme == Scheme::tel || uri.scheme == Scheme::other) {
    return !in.run<absolute_uri_char>().empty() && in.done();
  }
  return read_sip_uri(in, uri);
}

}  // namespace

bool parse_uri(std::string_view bytes, Slice slice, Uri& uri) {
  uri = Uri{};
  uri.text = slice;
  if (Usual(bytes.data(), last_look(bytes), slice).uri(uri)) [[likely]]
    return true;
  return parse_any_uri(bytes, slice, uri);
}

}  // namespace viaduct::sip
