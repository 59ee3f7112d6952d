// Via. What repeats in a parameter list is read differently by different peers, so a repetition is a fault
// (conformance rule PAR-24), and finding one is bounded: a 64-bit set of name hashes says "certainly new" at once, and
// only what it cannot exclude is compared with its at most 64 predecessors.
#include "sip/via.h"

#include <array>

#include "sip/decimal.h"
#include "sip/faulty.h"
#include "sip/host.h"

namespace viaduct::sip {
namespace {

constexpr std::string_view cookie = "z9hg4bk";  // in lower case (RFC 3261 section 8.1.1.7)

bool names_equal(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

class ParamNames {
 public:
  // False if `name` has been added before, or if there are too many.
  bool add(std::string_view name) {
    if (count_ == names_.size()) return false;
    const uint64_t bit = uint64_t{1} << hash(name);
    if (seen_ & bit) {
      for (size_t i = 0; i < count_; ++i) {
        if (names_equal(names_[i], name)) return false;
      }
    }
    seen_ |= bit;
    names_[count_++] = name;
    return true;
  }
  bool full() const { return count_ == names_.size(); }

 private:
  static unsigned hash(std::string_view name) {
    const auto first = static_cast<unsigned>(name.front() | 0x20);
    const auto last = static_cast<unsigned>(name.back() | 0x20);
    return (first * 5 + last * 3 + static_cast<unsigned>(name.size()) * 7) & 63;
  }

  uint64_t seen_ = 0;
  size_t count_ = 0;
  std::array<std::string_view, via_params_max> names_;
};

// sent-protocol = protocol-name SLASH protocol-version SLASH transport. Any tokens: a version that is not ours matters
// in the start line only.
bool read_protocol(Cursor& in, Via& via) {
  for (int part = 0; part < 3; ++part) {
    const Slice token = in.run<token_char>();
    if (token.empty()) return false;
    if (part == 2) {
      via.transport = token;
      return true;
    }
    in.skip_lws();
    if (!in.eat('/')) return false;
    in.skip_lws();
  }
  return false;
}

bool read_sent_by(Cursor& in, Via& via, Deviations& deviations) {
  if (!is(in.p == in.end ? '\0' : *in.p, lws_char)) return false;
  in.skip_lws();
  const char* from = in.p;
  if (!read_host(in, via.host)) return false;
  via.sent_by = in.slice(from, in.p);
  const char* after_host = in.p;
  in.skip_lws();
  if (!in.eat(':')) {
    in.p = after_host;
    return true;
  }
  in.skip_lws();
  const Slice port = in.run<digit_char>();
  via.sent_by = in.slice(from, in.p);
  if (read_port(in.text(port), via.host.port) && !in.at(':')) return true;
  in.p = from;
  if (looks_like_bare_ipv6(in.text(in.run<ipv6_char>()))) deviations.note(Deviation::ipv6_without_brackets);
  return false;
}

// gen-value, without the white space around it. IPv6 addresses occur with and without brackets (RFC 5118 section 4.5).
bool read_param_value(Cursor& in, Slice& value) {
  if (!in.at('"')) {
    value = in.run<param_value_char>();
    return true;
  }
  const char* from = in.p;
  if (!in.skip_quoted()) return false;
  value = in.slice(from, in.p);
  return true;
}

bool is_address(std::string_view text) {
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  return !text.empty() && all(text, ipv6_char | host_name_char);
}

bool note_param(const Cursor& in, Slice name, Slice value, bool has_value, Slice whole, Via& via) {
  const std::string_view text = in.text(name);
  switch (text.size()) {
    case 2:
      if (equals_ignoring_case(text, "vd")) via.vd = value;
      return true;
    case 5:
      if (equals_ignoring_case(text, "rport")) {
        via.has_rport = true;
        via.rport_param = whole;
        return !has_value || read_port(in.text(value), via.rport);
      }
      if (equals_ignoring_case(text, "maddr")) {
        via.maddr = value;
        return is_address(in.text(value));
      }
      return true;
    case 6:
      if (equals_ignoring_case(text, "branch")) {
        via.branch = value;
        const std::string_view branch = in.text(value);
        via.has_cookie = branch.size() > cookie.size() && equals_ignoring_case(branch.substr(0, cookie.size()), cookie);
      }
      return true;
    case 8:
      if (equals_ignoring_case(text, "received")) {
        via.has_received = true;
        via.received = value;
        via.received_param = whole;
        return is_address(in.text(value));
      }
      return true;
    default:
      return true;
  }
}

// *( SEMI via-params ). Leaves `in` behind the last parameter.
Fault read_params(Cursor& in, Via& via) {
  ParamNames names;
  const char* after = in.p;
  for (in.skip_lws(); in.at(';'); in.skip_lws()) {
    const char* semicolon = in.p++;
    in.skip_lws();
    const Slice name = in.run<token_char>();
    if (name.empty() || names.full()) return Fault::via_malformed;
    if (!names.add(in.text(name))) return Fault::via_param_repeated;
    after = in.p;
    Slice value{name.end, name.end};
    in.skip_lws();
    const bool has_value = in.eat('=');
    if (has_value) {
      in.skip_lws();
      if (!read_param_value(in, value)) return Fault::via_malformed;
      after = in.p;
    }
    if (!note_param(in, name, value, has_value, in.slice(semicolon, after), via)) return Fault::via_malformed;
  }
  in.p = after;
  return Fault::none;
}

}  // namespace

Fault read_via(Cursor& in, Via& via, Deviations& deviations) {
  via = Via{};
  const char* from = in.p;
  bool read = read_protocol(in, via) && read_sent_by(in, via, deviations);
  Fault fault = read ? read_params(in, via) : Fault::via_malformed;
  via.value = in.slice(from, in.p);
  in.skip_lws();
  if (fault == Fault::none && !in.done() && !in.at(',')) fault = Fault::via_malformed;
  via.well_formed = fault == Fault::none;
  return fault;
}

}  // namespace viaduct::sip
