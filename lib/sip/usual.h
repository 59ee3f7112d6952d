// The forms that nearly every message has, read fast.
//
// The readers beside this file read whatever the grammar allows, and pay for it: white space and folds between any two
// tokens, quotes, escapes, IPv6, the end of the datagram right behind. Messages on the wire almost never need that.
// Each function here reads one value in its usual form, or says no, and then the reader proper starts over. "No" is not
// a judgement: it means unusual. What is read here must be what the reader proper would read.
//
// What makes it fast is one rule: a run is looked for without regard for where the value ends, as long as 16 octets are
// readable. It may overshoot; then it does not end where the value ends, and the answer is no. And one instruction:
// PCMPISTRI finds the first of 16 octets that is outside up to eight ranges; a character class that takes more than
// eight is cut down to what is usual.
#pragma once

#include <cstring>
#include <type_traits>

#include "sip/cursor.h"
#include "sip/digits8.h"
#include "sip/host.h"
#include "sip/message.h"

namespace viaduct::sip {

// Where 16 octets of `bytes` can be read, but not further on. Negative if there are fewer.
inline ptrdiff_t last_look(std::string_view bytes) { return static_cast<ptrdiff_t>(bytes.size()) - octets16; }

// Up to eight ranges of octets, first and last.
struct alignas(16) Ranges {
  std::array<char, 16> bounds{};

  explicit consteval Ranges(std::string_view text) {
    for (size_t i = 0; i < text.size(); ++i) bounds[i] = text[i];
  }
};

namespace usual {

inline constexpr Ranges name{"-.09AZ_z"};           // of token, without !%*+'~
inline constexpr Ranges token{"!!%%''*+-.09AZ_z"};  // without ~
inline constexpr Ranges host{"-.09AZ__az"};
inline constexpr Ranges user{"!!#$&;==??AZ__az"};       // without ~ and escapes
inline constexpr Ranges uri_param{"!!$$&+-:A[]]__az"};  // without ~ and escapes
inline constexpr Ranges visible{"!~\x80\xff"};
inline constexpr Ranges reason{"\t\t ~\x80\xff"};

}  // namespace usual

// The first of the 16 octets at `p` that is not in `ranges`; 16: none. NUL is in none.
[[gnu::always_inline]] inline size_t outside(const Ranges& ranges, __m128i octets) {
  constexpr int mode = _SIDD_UBYTE_OPS | _SIDD_CMP_RANGES | _SIDD_NEGATIVE_POLARITY | _SIDD_LEAST_SIGNIFICANT;
  const __m128i bounds = _mm_load_si128(reinterpret_cast<const __m128i*>(ranges.bounds.data()));
  return static_cast<unsigned>(_mm_cmpistri(bounds, octets, mode));
}

class Usual {
 public:
  // Reads within `slice` of the datagram at `base`, of which 16 octets can be read at `last`, but not further on.
  // Places are counted from there, as those of a slice are.
  [[gnu::always_inline]] Usual(const char* base, ptrdiff_t last, Slice slice)
      : base_(base), p_(slice.begin), end_(slice.end), last_(last) {}

  // "sip:" [ user "@" ] name-or-ipv4 [ ":" port ] *( ";" name [ "=" value ] ), without escapes, with no parameter that
  // a proxy acts upon but lr.
  [[gnu::always_inline]] bool uri(Uri& uri) {
    if (!starts_with<4>("sip:")) return false;
    p_ += 4;
    ptrdiff_t from = p_;
    if (!run<usual::user>()) return false;
    if (at(p_) == '@') {
      uri.user = since(from);
      if (uri.user.empty()) return false;
      ++p_;
    } else {
      p_ = from;
    }
    if (!host(uri.host)) return false;
    const ptrdiff_t params = p_;
    while (at(p_) == ';') {
      from = ++p_;
      if (!run<usual::uri_param>()) return false;
      const ptrdiff_t size = p_ - from;
      if (size == 2 && (at(from) | 0x20) == 'l' && (at(from + 1) | 0x20) == 'r') {
        uri.has_lr = true;
      } else if (size == 0 || size == 2 || size == 5 || size == 9) {  // perhaps vd, maddr, transport
        return false;
      }
      if (at(p_) != '=') continue;
      ++p_;
      if (!run<usual::uri_param>()) return false;
    }
    uri.params = since(params);
    uri.scheme = Scheme::sip;
    return p_ == end_;
  }

  // "SIP/2.0/UDP " name-or-ipv4 [ ":" port ]
  // *( ";branch=" token / ";rport" [ "=" port ] / ";received=" name-or-ipv4 / ";vd=" token ), each at most once.
  [[gnu::always_inline]] bool via(Via& via) {
    if (!starts_with<12>("SIP/2.0/UDP ")) return false;
    ptrdiff_t from = p_ + 12;
    p_ = from;
    if (!host(via.host)) return false;
    via.sent_by = since(from);
    while (at(p_) == ';') {
      if (starts_with<8>(";branch=") && via.branch.empty()) {
        from = p_ += 8;
        if (!run<usual::token>() || p_ == from) return false;
        via.branch = since(from);
        const bool cookie = word_key(base_ + from, 7, readable()) == key_of("z9hG4bK");
        via.has_cookie = cookie && p_ - from > 7;
        if (!cookie && (at(from) | 0x20) == 'z') return false;  // perhaps in other case
      } else if (starts_with<6>(";rport") && !via.has_rport) {
        from = p_;
        p_ += 6;
        via.has_rport = true;
        if (at(p_) == '=' && !rport(via.rport)) return false;
        via.rport_param = since(from);
      } else if (starts_with<10>(";received=") && !via.has_received) {
        from = p_;
        p_ += 10;
        if (!run<usual::host>()) return false;
        via.has_received = true;
        via.received_param = since(from);
        via.received = since(from + 10);
        if (via.received.empty()) return false;
      } else if (starts_with<4>(";vd=") && via.vd.empty()) {
        from = p_ += 4;
        if (!run<usual::token>() || p_ == from) return false;
        via.vd = since(from);
      } else {
        return false;
      }
    }
    const ptrdiff_t start = via.sent_by.begin - 12;
    via.value = since(start);
    via.transport = {place(start + 8), place(start + 11)};
    via.well_formed = true;
    return p_ == end_;
  }

  // [ quoted-string [ SP ] / words ] "<" uri ">" [ ";tag=" token ].
  [[gnu::always_inline]] bool tag(Slice& tag, bool& has_tag) {
    if (p_ > last_) return false;
    if (at(p_) == '"') {
      ++p_;
      if (!find('"', '\\') || at(p_) != '"') return false;
      if (++p_ > last_) return false;
      if (at(p_) == ' ') ++p_;
    } else if (!run_words()) {
      return false;
    }
    const ptrdiff_t bracket = p_;
    if (at(p_) != '<' || !find('>', '>') || p_ - bracket < 2) return false;
    if (++p_ == end_) return true;
    if (!starts_with<5>(";tag=")) return false;
    const ptrdiff_t from = p_ += 5;
    if (!run<usual::token>() || p_ != end_ || p_ == from) return false;
    tag = since(from);
    has_tag = true;
    return true;
  }

  // "<" anything else ">"
  [[gnu::always_inline]] bool in_brackets() {
    const ptrdiff_t from = p_;
    return p_ <= last_ && at(p_) == '<' && find('>', '>') && p_ - from >= 2 && p_ + 1 == end_;
  }

  // At most seven digits, and at least eight octets in front of their end.
  [[gnu::always_inline]] bool number(uint32_t& number) const { return all_digits(p_, end_, number); }

  // At most seven digits, SP, and the word of `size` whose word_key is `key`. In front as above.
  [[gnu::always_inline]] bool number_and_word(uint32_t& number, uint64_t key, size_t size) const {
    const ptrdiff_t space = end_ - static_cast<ptrdiff_t>(size) - 1;
    if (size > 8 || space <= p_ || at(space) != ' ') return false;
    return word_key(base_ + space + 1, size, readable()) == key && all_digits(p_, space, number);
  }

  // At most seven digits, SP, and a word like a method's.
  [[gnu::always_inline]] bool number_and_name(uint32_t& number, Slice& name) {
    if (!digits<7>(number) || at(p_) != ' ') return false;
    const ptrdiff_t from = ++p_;
    if (!run<usual::name>() || p_ != end_ || p_ == from) return false;
    name = since(from);
    return true;
  }

  // Visible octets and white space, perhaps none.
  [[gnu::always_inline]] bool reason() { return run<usual::reason>() && p_ == end_; }

  // One run of visible octets.
  [[gnu::always_inline]] bool word() {
    const ptrdiff_t from = p_;
    return run<usual::visible>() && p_ == end_ && p_ != from;
  }

 private:
  char at(ptrdiff_t place) const { return base_[place]; }
  const char* readable() const { return base_ + last_ + octets16; }
  static uint16_t place(ptrdiff_t p) { return static_cast<uint16_t>(p); }
  Slice since(ptrdiff_t from) const { return {place(from), place(p_)}; }

  // `p_` need not be readable so far; then it does not.
  template <size_t size>
  [[gnu::always_inline]] bool starts_with(const char (&text)[size + 1]) const {
    return p_ <= last_ && equals<size>(base_ + p_, text);
  }
  // By the first word and the last, which may overlap: of most sizes a comparison is a call.
  template <size_t size>
  [[gnu::always_inline]] static bool equals(const char* octets, const char* text) {
    using Word = std::conditional_t<size >= 8, uint64_t, uint32_t>;
    static_assert(size >= sizeof(Word) && size <= 2 * sizeof(Word));
    Word first, last, wanted_first, wanted_last;
    memcpy(&first, octets, sizeof first);
    memcpy(&last, octets + size - sizeof last, sizeof last);
    memcpy(&wanted_first, text, sizeof first);
    memcpy(&wanted_last, text + size - sizeof last, sizeof last);
    return ((first ^ wanted_first) | (last ^ wanted_last)) == 0;
  }

  // Moves to the end of a run of `ranges`. False near the end of the datagram.
  template <const Ranges& ranges>
  [[gnu::always_inline]] bool run() {
    for (; p_ <= last_; p_ += octets16) {
      const size_t size = outside(ranges, load16(base_ + p_));
      if (size == octets16) continue;
      p_ += static_cast<ptrdiff_t>(size);
      return true;
    }
    return false;
  }

  // Moves over words that are not quoted. False near the end of the datagram.
  [[gnu::always_inline]] bool run_words() {
    for (; p_ <= last_; p_ += octets16) {
      const unsigned stop = viaduct::sip::outside<address_char>(load16(base_ + p_));
      if (stop == 0) continue;
      p_ += __builtin_ctz(stop);
      return true;
    }
    return false;
  }

  // Moves to the next `a` or `b`. False near the end of the datagram.
  [[gnu::always_inline]] bool find(char a, char b) {
    for (; p_ <= last_; p_ += octets16) {
      const __m128i octets = load16(base_ + p_);
      const unsigned stop =
          a == b ? bits_of(equal(octets, a)) : bits_of(_mm_or_si128(equal(octets, a), equal(octets, b)));
      if (stop != 0) [[likely]] {
        p_ += __builtin_ctz(stop);
        return true;
      }
    }
    return false;
  }

  // 1 to `most` digits, and no digit behind them. False near the end of the datagram. All digits at once, since how
  // many there are is what a branch would guess wrong: they move to the upper end of a number of base 256.
  template <int most>
  [[gnu::always_inline]] bool digits(uint32_t& number) {
    static_assert(most < 8);
    if (p_ > last_) return false;
    uint64_t octets = 0;
    memcpy(&octets, base_ + p_, 8);
    octets ^= each_octet * '0';
    const uint64_t others = not_digits(octets);  // right up to the lowest bit set
    if (others == 0) return false;
    const auto bits = static_cast<unsigned>(__builtin_ctzll(others)) - 7;
    if (bits - 8 > 8 * most - 8) return false;
    number = number_of(octets << (64 - bits));
    p_ += bits / 8;
    return true;
  }
  // 1 to 7 digits, all of [from, to). Eight octets can be read in front of `to`.
  [[gnu::always_inline]] bool all_digits(ptrdiff_t from, ptrdiff_t to, uint32_t& number) const {
    const auto size = static_cast<size_t>(to - from);
    if (size - 1 > 6) return false;
    const uint64_t octets = octets_before(base_ + to, size);
    if (not_digits(octets) != 0) return false;
    number = number_of(octets);
    return true;
  }

  static uint32_t digit(char c) { return static_cast<uint32_t>(static_cast<uint8_t>(c)) - '0'; }

  // name-or-ipv4 [ ":" port ]
  [[gnu::always_inline]] bool host(Host& host) {
    const ptrdiff_t from = p_;
    if (!run<usual::host>() || p_ == from) return false;
    host.text = since(from);
    const bool ipv4 = digit(at(p_ - 1)) <= 9 && is_ipv4(load16(base_ + from), static_cast<size_t>(p_ - from));
    host.kind = ipv4 ? HostKind::ipv4 : HostKind::name;
    if (at(p_) != ':') return true;
    ++p_;
    uint32_t port = 0;
    if (!digits<5>(port)) return false;
    host.port = static_cast<uint16_t>(port);
    return port - 1 < 65535;
  }

  // "=" port
  [[gnu::always_inline]] bool rport(uint16_t& port) {
    ++p_;
    uint32_t number = 0;
    if (!digits<5>(number)) return false;
    port = static_cast<uint16_t>(number);
    return number - 1 < 65535;
  }

  const char* base_;
  ptrdiff_t p_;
  ptrdiff_t end_;
  ptrdiff_t last_;  // where 16 octets can still be read
};

}  // namespace viaduct::sip
