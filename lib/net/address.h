// Addresses of hosts and sockets.
//
// Both families in one trivially copyable type: an IPv4 address is kept as IPv4-mapped IPv6
// (RFC 4291 section 2.5.5.2), so that comparison is one 16-byte compare and `::ffff:192.0.2.1` equals
// `192.0.2.1`, as SIP wants it (RFC 5954 section 4: compare in binary).
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace viaduct::net {

enum class Family : uint8_t { ipv4, ipv6 };

struct IpAddress {
  std::array<uint8_t, 16> bytes{};  // network order; all zero is `::`

  // What stands in front of an IPv4 address, behind eight zeros, as the machine reads it.
  static constexpr uint32_t mapped = std::endian::native == std::endian::little ? 0xffff0000 : 0x0000ffff;

  static constexpr IpAddress v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
    return {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}};
  }
  static constexpr IpAddress v4(const uint8_t* four_bytes) {
    if (std::is_constant_evaluated()) return v4(four_bytes[0], four_bytes[1], four_bytes[2], four_bytes[3]);
    uint32_t four;
    std::memcpy(&four, four_bytes, sizeof four);
    return v4_of(four);
  }
  // The four bytes as they lie. Made and stored as a vector, since that is how it is copied: a load that spans two
  // stores waits for both.
  static IpAddress v4_of(uint32_t four) {
    using Two = uint64_t __attribute__((vector_size(16)));
    static_assert(std::endian::native == std::endian::little);
    const Two words = {0, uint64_t{four} << 32 | mapped};
    IpAddress address;
    std::memcpy(address.bytes.data(), &words, sizeof words);
    return address;
  }
  static IpAddress v6(const uint8_t* sixteen_bytes) {
    IpAddress address;
    std::memcpy(address.bytes.data(), sixteen_bytes, 16);
    return address;
  }

  bool is_v4() const {
    uint64_t first;
    uint32_t second;
    std::memcpy(&first, bytes.data(), sizeof first);
    std::memcpy(&second, bytes.data() + sizeof first, sizeof second);
    return (first | (second ^ mapped)) == 0;
  }
  Family family() const { return is_v4() ? Family::ipv4 : Family::ipv6; }
  const uint8_t* v4_bytes() const { return bytes.data() + 12; }

  // 0.0.0.0/8, ::
  bool is_unspecified() const { return is_v4() ? v4_bytes()[0] == 0 : *this == IpAddress{}; }
  // 127/8, ::1
  bool is_loopback() const {
    constexpr IpAddress one{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
    return is_v4() ? v4_bytes()[0] == 127 : *this == one;
  }
  // 224/4, ff00::/8
  bool is_multicast() const { return is_v4() ? (v4_bytes()[0] & 0xf0) == 0xe0 : bytes[0] == 0xff; }
  // 169.254/16, fe80::/10
  bool is_link_local() const {
    return is_v4() ? v4_bytes()[0] == 169 && v4_bytes()[1] == 254 : bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
  }
  bool is_broadcast() const { return *this == v4(255, 255, 255, 255); }

  constexpr bool operator==(const IpAddress& other) const {
    if (std::is_constant_evaluated()) return bytes == other.bytes;
    uint64_t ours[2], theirs[2];  // the array's own comparison is a call
    std::memcpy(ours, bytes.data(), sizeof ours);
    std::memcpy(theirs, other.bytes.data(), sizeof theirs);
    return ((ours[0] ^ theirs[0]) | (ours[1] ^ theirs[1])) == 0;
  }
  constexpr auto operator<=>(const IpAddress&) const = default;
};

// An IPv4 dotted quad (RFC 3261 section 25.1: 1*3DIGIT a part, so leading zeros are decimal; each at most 255) or IPv6
// as in RFC 3986 section 3.2.2, without brackets. Nothing else: no names, no zone. IPv4-mapped text gives IPv4.
std::optional<IpAddress> parse_ip(std::string_view text);

// Writes the canonical text (RFC 5952 for IPv6, no brackets) and returns its length. `out` needs 46 bytes: what lies
// behind the text within them may be overwritten.
size_t format_ip(const IpAddress& address, char* out);
// Its digits, one at least. `out` needs `port_text_bytes_max`, with the same licence.
size_t format_port(uint16_t port, char* out);
std::string to_string(const IpAddress& address);

inline constexpr size_t ip_text_bytes_max = 46;
inline constexpr size_t port_text_bytes_max = 8;

struct Endpoint {
  IpAddress address;
  uint16_t port = 0;  // host order

  constexpr bool operator==(const Endpoint&) const = default;
  constexpr auto operator<=>(const Endpoint&) const = default;
};

// `192.0.2.1:5060` or `[2001:db8::1]:5060`; the port (1..65535) may be absent when `default_port` is not 0.
std::optional<Endpoint> parse_endpoint(std::string_view text, uint16_t default_port = 0);

// As it stands in a Via sent-by or a URI: IPv6 in brackets, port always written. `out` needs 56 bytes,
// with the same licence as `format_ip`.
size_t format_endpoint(const Endpoint& endpoint, char* out);
std::string to_string(const Endpoint& endpoint);

inline constexpr size_t endpoint_text_bytes_max = 56;

// An address as two numbers that compare as the address does.
struct Words {
  uint64_t high = 0, low = 0;

  constexpr Words operator&(const Words& other) const { return {high & other.high, low & other.low}; }
  constexpr bool operator==(const Words&) const = default;
  constexpr auto operator<=>(const Words&) const = default;
};
inline Words words_of(const IpAddress& address) {
  Words words;
  std::memcpy(&words, address.bytes.data(), sizeof words);
  static_assert(std::endian::native == std::endian::little);
  return {__builtin_bswap64(words.high), __builtin_bswap64(words.low)};
}
inline IpAddress address_of(const Words& words) {
  const Words stored{__builtin_bswap64(words.high), __builtin_bswap64(words.low)};
  IpAddress address;
  std::memcpy(address.bytes.data(), &stored, sizeof stored);
  return address;
}

// The first `bits` of 128 set.
constexpr Words mask_of(unsigned bits) {
  return {bits >= 64  ? ~uint64_t{0}
          : bits == 0 ? 0
                      : ~uint64_t{0} << (64 - bits),
          bits <= 64 ? 0 : ~uint64_t{0} << (128 - bits)};
}
// The address with only the first `bits` of its 128 left. With fewer than 96 an IPv4 address reads as IPv4 no more.
inline IpAddress network_of(const IpAddress& address, unsigned bits) {
  return address_of(words_of(address) & mask_of(bits));
}

// An address and a prefix length: `10.0.0.0/24`, `2001:db8::/32`. Host bits are kept: "10.77.0.1/24" is an
// interface address and its network in one.
struct Prefix {
  IpAddress address;
  uint8_t length = 0;  // 0..32 for IPv4, 0..128 for IPv6

  // How many of the 128 bits count: of IPv4 those that say so, too.
  unsigned bits() const { return length + (address.is_v4() ? 96u : 0u); }
  // The same prefix with its host bits gone.
  Prefix network() const { return {network_of(address, bits()), length}; }
  // Never across families: `::/0` holds no IPv4 address.
  bool contains(const IpAddress& candidate) const;
  bool operator==(const Prefix&) const = default;
};

// The length is required. `::ffff:10.0.0.0/104` is `10.0.0.0/8`; a shorter length on mapped text is refused.
std::optional<Prefix> parse_prefix(std::string_view text);
// A prefix, or an address, which is the prefix of its one host.
std::optional<Prefix> parse_network(std::string_view text);
std::string to_string(const Prefix& prefix);

// The prefix that holds `address` alone.
inline Prefix host_prefix(const IpAddress& address) {
  return {address, static_cast<uint8_t>(address.is_v4() ? 32 : 128)};
}

struct Mac {
  std::array<uint8_t, 6> bytes{};

  constexpr bool operator==(const Mac&) const = default;
};

// Six pairs of hex digits with `:` or `-` between them, the same throughout; written with `:` and in lower case.
std::optional<Mac> parse_mac(std::string_view text);
std::string to_string(const Mac& mac);

// For hash maps outside the hot path and for the neighbour table; not keyed, never over attacker-chosen text.
struct AddressHash {
  size_t operator()(const IpAddress& address) const {
    uint64_t high, low;
    std::memcpy(&high, address.bytes.data(), 8);
    std::memcpy(&low, address.bytes.data() + 8, 8);
    uint64_t mixed = (high ^ (low * 0x9e3779b97f4a7c15ull)) * 0xff51afd7ed558ccdull;
    return static_cast<size_t>(mixed ^ (mixed >> 32));
  }
  size_t operator()(const Endpoint& endpoint) const { return (*this)(endpoint.address) * 31 + endpoint.port; }
};

}  // namespace viaduct::net
