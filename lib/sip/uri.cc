// URIs (RFC 3261 section 19.1.1). The userinfo is split off first, at the '@': a ';' or '?' before it is part of the
// user (conformance rule PAR-26). Nothing is unescaped, ever.
#include <cstring>

#include "sip/cursor.h"
#include "sip/decimal.h"
#include "sip/host.h"
#include "sip/message.h"

namespace viaduct::sip {
namespace {

// escaped = "%" HEXDIG HEXDIG: a '%' that starts none is read differently by different peers.
bool escapes_are_whole(std::string_view text) {
  for (size_t i = 0; (i = text.find('%', i)) != std::string_view::npos; i += 3) {
    if (text.size() - i < 3 || !is(text[i + 1], hex_char) || !is(text[i + 2], hex_char)) return false;
  }
  return true;
}

bool read_user(Cursor& in, Uri& uri) {
  const void* at = memchr(in.p, '@', static_cast<size_t>(in.end - in.p));
  if (at == nullptr) return true;
  uri.user = in.run<user_char>();
  return !uri.user.empty() && in.eat('@') && escapes_are_whole(in.text(uri.user));
}

// Takes note of the parameters a proxy acts upon; each of them may occur once.
bool note_param(const Cursor& in, Slice name, Slice value, Uri& uri) {
  auto once = [&](Slice& field) {
    if (!field.empty()) return false;
    field = value;
    return true;
  };
  const std::string_view text = in.text(name);
  switch (text.size()) {
    case 2:
      if (equals_ignoring_case(text, "lr")) uri.has_lr = true;
      if (equals_ignoring_case(text, "vd")) return once(uri.vd);
      return true;
    case 5:
      return !equals_ignoring_case(text, "maddr") || once(uri.maddr);
    case 9:
      return !equals_ignoring_case(text, "transport") || once(uri.transport);
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
  return escapes_are_whole(in.text(uri.params));
}

bool read_sip_uri(Cursor& in, Uri& uri) {
  if (!read_user(in, uri) || !read_host(in, uri.host)) return false;
  if (in.eat(':') && !read_port(in.text(in.run<digit_char>()), uri.host.port)) return false;
  if (!read_params(in, uri)) return false;
  if (in.at('?')) {
    const char* from = in.p++;
    in.run<uri_header_char>();
    uri.headers = in.slice(from, in.p);
    if (!escapes_are_whole(in.text(uri.headers))) return false;
  }
  return in.done();
}

}  // namespace

bool parse_uri(std::string_view bytes, Slice slice, Uri& uri) {
  uri = Uri{};
  uri.text = slice;
  Cursor in(bytes, slice);
  const std::string_view scheme = in.text(in.run<scheme_char>());
  if (scheme.empty() || !in.eat(':')) return false;
  if (equals_ignoring_case(scheme, "sip")) {
    uri.scheme = Scheme::sip;
  } else if (equals_ignoring_case(scheme, "sips")) {
    uri.scheme = Scheme::sips;
  } else {
    uri.scheme = equals_ignoring_case(scheme, "tel") ? Scheme::tel : Scheme::other;
    const Slice rest = in.run<absolute_uri_char>();
    return !rest.empty() && in.done();
  }
  return read_sip_uri(in, uri);
}

}  // namespace viaduct::sip
