// Via. What repeats in a parameter list is read differently by different peers, so a repetition is a fault (conformance
// rule PAR-24), and finding one is bounded: a 64-bit set of hashes says "certainly new" at once, and only what it
// cannot exclude is compared with its at most 64 predecessors.
#include "sip/via.h"

#include <array>

#include "sip/decimal.h"
#include "sip/faulty.h"
#include "sip/host.h"
#include "sip/usual.h"

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
        if (names_equal({names_[i].text, names_[i].size}, name)) return false;
      }
    }
    seen_ |= bit;
    names_[count_++] = {name.data(), name.size()};
    return true;
  }
  bool full() const { return count_ == names_.size(); }

 private:
  struct Name {  // a string_view that need not be initialised
    const char* text;
    size_t size;
  };

  uint64_t seen_ = 0;
  size_t count_ = 0;
  std::array<Name, via_params_max> names_;
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
  const char* semicolon;
  Slice name;
  Slice value;  // empty if there is none
  bool has_value = false;
};

// Reads *( SEMI via-params ).
class ParamReader {
 public:
  ParamReader(Cursor& in, Via& via) : in_(in), via_(via) {}

  // Leaves the cursor behind the last parameter.
  Fault read() {
    while (true) {
      const char* after = in_.p;
      in_.skip_lws();
      if (!in_.at(';')) {
        in_.p = after;
        return Fault::none;
      }
      if (read_usual()) continue;
      const Fault fault = read_one();
      if (fault != Fault::none) return fault;
    }
  }

 private:
  enum Known : unsigned { branch = 1, rport = 2, received = 4, maddr = 8, vd = 16 };

  // ";branch=" with a value and ";rport" without, spelled as nearly everybody does. False if it is anything else.
  bool read_usual() {
    if (in_.readable - in_.p < 8) return false;
    const uint64_t word = word_key(in_.p, 8, in_.readable);
    const char* p = in_.p;
    if (word == key_of(";branch=") && !(seen_ & branch)) {
      const char* end = skip16<param_value_char>(p + 8, in_.end, in_.readable);
      if (p + 8 >= end) return false;
      seen_ |= branch;
      note_branch(in_.slice(p + 8, end));
      in_.p = end;
      return true;
    }
    if ((word & 0xffffffffffff) == key_of(";rport") && !(seen_ & rport)) {
      if (in_.end - p < 6 || (in_.end - p > 6 && p[6] != ';')) return false;
      seen_ |= rport;
      via_.has_rport = true;
      via_.rport_param = in_.slice(p, p + 6);
      in_.p = p + 6;
      return true;
    }
    return false;
  }

  Fault read_one() {
    Param param;
    param.semicolon = in_.p++;
    in_.skip_lws();
    param.name = in_.run<token_char>();
    if (param.name.empty()) return Fault::via_malformed;
    param.value = {param.name.end, param.name.end};
    const char* after_name = in_.p;
    in_.skip_lws();
    if (in_.eat('=')) {
      param.has_value = true;
      in_.skip_lws();
      if (!read_param_value(in_, param.value)) return Fault::via_malformed;
    } else {
      in_.p = after_name;
    }
    return note(param);
  }

  Fault note(const Param& param) {
    const uint64_t key = in_.key(param.name);
    const size_t size = param.name.size();
    if (size == 6 && key == key_of("branch")) {
      if (!is_new(branch)) return Fault::via_param_repeated;
      note_branch(param.value);
    } else if (size == 5 && key == key_of("rport")) {
      if (!is_new(rport)) return Fault::via_param_repeated;
      via_.has_rport = true;
      via_.rport_param = whole(param);
      if (param.has_value && !read_rport(param.value)) return Fault::via_malformed;
    } else if (size == 8 && key == key_of("received")) {
      if (!is_new(received)) return Fault::via_param_repeated;
      via_.has_received = true;
      via_.received = param.value;
      via_.received_param = whole(param);
      if (!is_address(in_.text(param.value))) return Fault::via_malformed;
    } else if (size == 5 && key == key_of("maddr")) {
      if (!is_new(maddr)) return Fault::via_param_repeated;
      via_.maddr = param.value;
      if (!is_address(in_.text(param.value))) return Fault::via_malformed;
    } else if (size == 2 && key == key_of("vd")) {
      if (!is_new(vd)) return Fault::via_param_repeated;
      via_.vd = param.value;
    } else {
      if (others_.full()) return Fault::via_malformed;
      if (!others_.add(in_.text(param.name), key)) return Fault::via_param_repeated;
    }
    return Fault::none;
  }

  bool read_rport(Slice value) {
    Cursor in = in_;
    in.p = in.base + value.begin;
    in.end = in.base + value.end;
    return read_port(in, via_.rport) && in.done();
  }

  void note_branch(Slice value) {
    via_.branch = value;
    const uint64_t start = name_key(in_.base + value.begin, cookie.size(), in_.readable);
    via_.has_cookie = value.size() > cookie.size() && start == key_of(cookie);
  }

  bool is_new(Known param) {
    const bool fresh = !(seen_ & param);
    seen_ |= param;
    return fresh;
  }

  // From the semicolon to the end of the value; the cursor is there.
  Slice whole(const Param& param) const { return in_.slice(param.semicolon, in_.p); }

  Cursor& in_;
  Via& via_;
  unsigned seen_ = 0;  // of Known
  ParamNames others_;
};

}  // namespace

Fault read_via(Cursor& in, Via& via, Deviations& deviations) {
  via = Via{};
  const char* from = in.p;
  const bool read = read_protocol(in, via) && read_sent_by(in, via, deviations);
  Fault fault = read ? ParamReader(in, via).read() : Fault::via_malformed;
  via.value = in.slice(from, in.p);
  in.skip_lws();
  if (fault == Fault::none && !in.done() && !in.at(',')) fault = Fault::via_malformed;
  via.well_formed = fault == Fault::none;
  return fault;
}

}  // namespace viaduct::sip
