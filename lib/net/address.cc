// Text of addresses, read strictly and written fast.
//
// Viaduct writes an address into every message it forwards (received=, Via sent-by), so the writers use a table and
// no printf; the readers meet text that attackers chose, so they accept the grammar and nothing beside it: no octal,
// no hex octets, no missing parts, no zone, as inet_aton and some libcs would.
#include "net/address.h"

#include <algorithm>
#include <array>

#include "net/dotted_quad.h"

namespace viaduct::net {
namespace {

// The decimal digits of each octet, left-aligned with a dot behind them, and the length of the digits.
struct OctetText {
  char digits_and_dot[4];
};
struct OctetTable {
  OctetText text[256]{};
  uint8_t length[256]{};
};

constexpr OctetTable make_octet_table() {
  OctetTable table;
  for (unsigned octet = 0; octet < 256; ++octet) {
    char* text = table.text[octet].digits_and_dot;
    size_t length = 0;
    if (octet >= 100) text[length++] = static_cast<char>('0' + octet / 100);
    if (octet >= 10) text[length++] = static_cast<char>('0' + octet / 10 % 10);
    text[length++] = static_cast<char>('0' + octet % 10);
    text[length] = '.';
    table.length[octet] = static_cast<uint8_t>(length);
  }
  return table;
}
constexpr OctetTable octet_table = make_octet_table();

constexpr unsigned not_a_digit = 16;

unsigned hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  const char lower = static_cast<char>(c | 0x20);
  if (lower >= 'a' && lower <= 'f') return static_cast<unsigned>(lower - 'a') + 10;
  return not_a_digit;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// IPv6address of RFC 3986: groups of up to four hex digits, at most one `::` that stands for one group or more, and
// perhaps a dotted quad in place of the last two groups. Writes 16 bytes.
bool read_v6(std::string_view text, uint8_t* out) {
  uint8_t bytes[16]{};
  size_t filled = 0;  // bytes of groups read so far
  size_t gap = 17;    // where `::` stood, in bytes; 17: nowhere
  size_t at = 0;
  if (text.starts_with("::")) {
    gap = 0;
    at = 2;
  }
  while (at < text.size()) {
    if (filled == 16) return false;
    const size_t group_start = at;
    unsigned group = 0;
    while (at < text.size() && at - group_start < 4) {
      const unsigned digit = hex_digit(text[at]);
      if (digit == not_a_digit) break;
      group = group << 4 | digit;
      ++at;
    }
    if (at < text.size() && text[at] == '.') {
      uint32_t four = 0;
      if (filled > 12 || !read_dotted_quad(text.substr(group_start), four)) return false;
      std::memcpy(bytes + filled, &four, sizeof four);
      filled += 4;
      break;
    }
    if (at == group_start) return false;
    bytes[filled] = static_cast<uint8_t>(group >> 8);
    bytes[filled + 1] = static_cast<uint8_t>(group);
    filled += 2;
    if (at == text.size()) break;
    if (text[at++] != ':') return false;
    if (at == text.size()) return false;  // a single colon at the end
    if (text[at] == ':') {
      if (gap != 17) return false;
      gap = filled;
      ++at;
    }
  }
  if (gap == 17 ? filled != 16 : filled > 14) return false;
  if (gap == 17) gap = filled;
  std::memset(out, 0, 16);
  std::memcpy(out, bytes, gap);
  std::memcpy(out + 16 - (filled - gap), bytes + gap, filled - gap);
  return true;
}

size_t format_v4(const uint8_t* octets, char* out) {
  size_t length = 0;
  for (int part = 0; part < 4; ++part) {
    std::memcpy(out + length, &octet_table.text[octets[part]], 4);
    length += octet_table.length[octets[part]] + 1u;
  }
  return length - 1;
}

// RFC 5952 section 4.2.3: `::` replaces the longest run of at least two zero groups, the first one if several tie.
struct ZeroRun {
  size_t start = 8;
  size_t length = 0;
};

ZeroRun longest_zero_run(const uint16_t (&groups)[8]) {
  ZeroRun best;
  for (size_t start = 0; start < 8; ++start) {
    size_t length = 0;
    while (start + length < 8 && groups[start + length] == 0) ++length;
    if (length >= 2 && length > best.length) best = {start, length};
    start += length;
  }
  return best;
}

size_t format_v6(const uint8_t* bytes, char* out) {
  static constexpr char digits[] = "0123456789abcdef";
  uint16_t groups[8];
  for (size_t i = 0; i < 8; ++i) groups[i] = static_cast<uint16_t>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
  const ZeroRun run = longest_zero_run(groups);
  char* at = out;
  for (size_t i = 0; i < 8;) {
    if (i == run.start) {
      *at++ = ':';
      *at++ = ':';
      i += run.length;
      continue;
    }
    if (i > 0 && i != run.start + run.length) *at++ = ':';
    const unsigned group = groups[i];
    if (group >= 0x1000) *at++ = digits[group >> 12];
    if (group >= 0x100) *at++ = digits[group >> 8 & 0xf];
    if (group >= 0x10) *at++ = digits[group >> 4 & 0xf];
    *at++ = digits[group & 0xf];
    ++i;
  }
  return static_cast<size_t>(at - out);
}

// Decimal digits up to `max`; no sign, no space, and no more digits than `max` has.
std::optional<unsigned> read_decimal(std::string_view text, unsigned max) {
  if (text.empty()) return std::nullopt;
  unsigned value = 0;
  size_t count = 0;
  for (unsigned room = max; room != 0; room /= 10) ++count;
  if (text.size() > count) return std::nullopt;
  for (char c : text) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (value > max) return std::nullopt;
  return value;
}

// Two digits of each number below 100, the first in the lower octet.
constexpr std::array<uint16_t, 100> two_digits = [] {
  std::array<uint16_t, 100> texts{};
  for (unsigned i = 0; i < texts.size(); ++i) texts[i] = static_cast<uint16_t>(('0' + i / 10) | ('0' + i % 10) << 8);
  return texts;
}();

}  // namespace

std::optional<IpAddress> parse_ip(std::string_view text) {
  uint32_t four = 0;
  if (read_dotted_quad(text, four)) return IpAddress::v4_of(four);
  IpAddress address;
  if (text.size() < ip_text_bytes_max && read_v6(text, address.bytes.data())) return address;
  return std::nullopt;
}

// All digits at once: how many there are is what a branch would guess wrong.
size_t format_port(uint16_t port, char* out) {
  constexpr unsigned digits_max = 5;
  const unsigned first = port / 10000u, others = port - 10000 * first, middle = others / 100,
                 last = others - 100 * middle;
  const uint64_t text = ('0' + first) | uint64_t{two_digits[middle]} << 8 | uint64_t{two_digits[last]} << 24;
  const auto zeros =
      static_cast<unsigned>(__builtin_ctzll((text ^ 0x3030303030) | uint64_t{1} << 8 * (digits_max - 1))) / 8;
  const uint64_t shown = text >> 8 * zeros;
  std::memcpy(out, &shown, sizeof shown);
  return digits_max - zeros;
}

size_t format_ip(const IpAddress& address, char* out) {
  if (address.is_v4()) return format_v4(address.v4_bytes(), out);
  return format_v6(address.bytes.data(), out);
}

std::string to_string(const IpAddress& address) {
  char text[ip_text_bytes_max];
  return {text, format_ip(address, text)};
}

std::optional<Endpoint> parse_endpoint(std::string_view text, uint16_t default_port) {
  std::string_view host;
  std::string_view rest;
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    host = text.substr(1, close - 1);
    rest = text.substr(close + 1);
    if (host.find(':') == std::string_view::npos) return std::nullopt;  // IPv4 in brackets
  } else {
    const size_t colon = std::min(text.find(':'), text.size());
    host = text.substr(0, colon);
    rest = text.substr(colon);
  }
  const std::optional<IpAddress> address = parse_ip(host);
  if (!address) return std::nullopt;
  if (rest.empty()) {
    if (default_port == 0) return std::nullopt;
    return Endpoint{*address, default_port};
  }
  if (rest.front() != ':') return std::nullopt;
  const std::optional<unsigned> port = read_decimal(rest.substr(1), 65535);
  if (!port || *port == 0) return std::nullopt;
  return Endpoint{*address, static_cast<uint16_t>(*port)};
}

size_t format_endpoint(const Endpoint& endpoint, char* out) {
  char* at = out;
  if (endpoint.address.is_v4()) {
    at += format_v4(endpoint.address.v4_bytes(), at);
  } else {
    *at++ = '[';
    at += format_v6(endpoint.address.bytes.data(), at);
    *at++ = ']';
  }
  *at++ = ':';
  at += format_port(endpoint.port, at);
  return static_cast<size_t>(at - out);
}

std::string to_string(const Endpoint& endpoint) {
  char text[endpoint_text_bytes_max];
  return {text, format_endpoint(endpoint, text)};
}

bool Prefix::contains(const IpAddress& candidate) const {
  if (candidate.is_v4() != address.is_v4()) return false;
  const Words mask = mask_of(bits());
  return (words_of(address) & mask) == (words_of(candidate) & mask);
}

std::optional<Prefix> parse_prefix(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::optional<IpAddress> address = parse_ip(text.substr(0, slash));
  if (!address) return std::nullopt;
  const bool written_as_v6 = text.substr(0, slash).find(':') != std::string_view::npos;
  std::optional<unsigned> length = read_decimal(text.substr(slash + 1), written_as_v6 ? 128 : 32);
  if (!length) return std::nullopt;
  if (written_as_v6 && address->is_v4()) {
    if (*length < 96) return std::nullopt;
    *length -= 96;
  }
  return Prefix{*address, static_cast<uint8_t>(*length)};
}

std::optional<Prefix> parse_network(std::string_view text) {
  if (const auto prefix = parse_prefix(text)) return prefix;
  const auto address = parse_ip(text);
  if (!address) return std::nullopt;
  return host_prefix(*address);
}

std::string to_string(const Prefix& prefix) { return to_string(prefix.address) + '/' + std::to_string(prefix.length); }

std::optional<Mac> parse_mac(std::string_view text) {
  if (text.size() != 17) return std::nullopt;
  const char separator = text[2];
  if (separator != ':' && separator != '-') return std::nullopt;
  Mac mac;
  for (size_t i = 0; i < 6; ++i) {
    const unsigned high = hex_digit(text[3 * i]);
    const unsigned low = hex_digit(text[3 * i + 1]);
    if (high == not_a_digit || low == not_a_digit) return std::nullopt;
    if (i < 5 && text[3 * i + 2] != separator) return std::nullopt;
    mac.bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return mac;
}

std::string to_string(const Mac& mac) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (uint8_t byte : mac.bytes) {
    if (!text.empty()) text += ':';
    text += digits[byte >> 4];
    text += digits[byte & 0xf];
  }
  return text;
}

}  // namespace viaduct::net
