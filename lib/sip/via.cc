// Via. What repeats in a parameter list is read differently by different peers, so a repetition is a fault (conformance
// rule PAR-24), and finding one is bounded: a 64-bit set of hashes says "certainly new" at once, and only what it
// cannot exclude is compared with its at most 64 predecessors.
#include "sip/via.h"

#include <array>

#include "sip/decimal.h"
#include "sip/faulty.h"
#include "sip/host.h"

namespace viaduct::sip {
namespace {

constexpr std::string_view usual_protocol = "SIP/2.0/UDP ";
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
  // False if `name` has been added before. `key` is its name_key.
  bool add(std::string_view name, uint64_t key) {
    const uint64_t bit = uint64_t{1} << (key * 0x9e3779b97f4a7c15 >> 58);
    if (seen_ & bit) [[unlikely]] {
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
  uint64_t seen_ = 0;
  size_t count_ = 0;
  std::array<std::string_view, via_params_max> names_;
};

// sent-protocol = protocol-name SLASH protocol-version SLASH transport, and the LWS behind it. Any tokens: a version
// that is not ours matters in the start line only.
bool read_protocol(Cursor& in, Via& via) {
  if (static_cast<size_t>(in.end - in.p) > usual_protocol.size() &&
      memcmp(in.p, usual_protocol.data(), usual_protocol.size()) == 0) [[likely]] {
    via.transport = in.slice(in.p + 8, in.p + 11);
    in.p += usual_protocol.size();
    in.skip_lws();
    return true;
  }
  for (int part = 0; part < 3; ++part) {
    via.transport = in.run<token_char>();
    if (via.transport.empty()) return false;
    const char* after = in.p;
    in.skip_lws();
    if (part == 2) return in.p != after;
    if (!in.eat('/')) return false;
    in.skip_lws();
  }
  return false;
}

bool read_sent_by(Cursor& in, Via& via, Deviations& deviations) {
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
  const bool has_port = read_port(in, via.host.port);
  via.sent_by = in.slice(from, in.p);
  if (has_port && !in.at(':')) return true;
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

struct Param {
  Slice name;
  Slice value;  // empty if there is none
  Slice whole;  // from the semicolon to the end of the value
  bool has_value;
};

bool note_param(const Cursor& in, const Param& param, uint64_t key, Via& via) {
  switch (param.name.size()) {
    case 2:
      if (key == name_key("vd")) via.vd = param.value;
      return true;
    case 5:
      if (key == name_key("rport")) {
        via.has_rport = true;
        via.rport_param = param.whole;
        return !param.has_value || read_port(in.text(param.value), via.rport);
      }
      if (key != name_key("maddr")) return true;
      via.maddr = param.value;
      return is_address(in.text(param.value));
    case 6:
      if (key == name_key("branch")) {
        via.branch = param.value;
        via.has_cookie =
            param.value.size() > cookie.size() &&
            in.key({param.value.begin, static_cast<uint16_t>(param.value.begin + cookie.size())}) == name_key(cookie);
      }
      return true;
    case 8:
      if (key != name_key("received")) return true;
      via.has_received = true;
      via.received = param.value;
      via.received_param = param.whole;
      return is_address(in.text(param.value));
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
    Param param;
    param.name = in.run<token_char>();
    if (param.name.empty() || names.full()) return Fault::via_malformed;
    const uint64_t key = in.key(param.name);
    if (!names.add(in.text(param.name), key)) return Fault::via_param_repeated;
    after = in.p;
    param.value = {param.name.end, param.name.end};
    in.skip_lws();
    param.has_value = in.eat('=');
    if (param.has_value) {
      in.skip_lws();
      if (!read_param_value(in, param.value)) return Fault::via_malformed;
      after = in.p;
    }
    param.whole = in.slice(semicolon, after);
    if (!note_param(in, param, key, via)) return Fault::via_malformed;
  }
  in.p = after;
  return Fault::none;
}

}  // namespace

Fault read_via(Cursor& in, Via& via, Deviations& deviations) {
  via = Via{};
  const char* from = in.p;
  const bool read = read_protocol(in, via) && read_sent_by(in, via, deviations);
  Fault fault = read ? read_params(in, via) : Fault::via_malformed;
  via.value = in.slice(from, in.p);
  in.skip_lws();
  if (fault == Fault::none && !in.done() && !in.at(',')) fault = Fault::via_malformed;
  via.well_formed = fault == Fault::none;
  return fault;
}

}  // namespace viaduct::sip
