#include "proxy/via_mac.h"

#include <charconv>
#include <cstring>


namespace viaduct::proxy {
namespace {

constexpr std::string_view version = "1.";
constexpr size_t mac_digits = 16;

// Eight hexadecimal digits of either case, the first one the most significant; false if one of them is none.
bool read_eight_hex(const char* text, uint64_t& value) {
  constexpr uint64_t each = 0x0101010101010101, high = each * 0x80;
  uint64_t word;
  std::memcpy(&word, text, sizeof word);
  if ((word & high) != 0) return false;
  const auto in = [&](uint64_t bytes, char first, char last) {  // the top bit of each byte that is from first to last
    const auto begin = static_cast<uint64_t>(first), end = static_cast<uint64_t>(last);
    return (bytes + each * (0x80 - begin)) & ~(bytes + each * (0x7f - end)) & high;
  };
  const uint64_t lower = word | each * 0x20;  // only A to F and a to f become a to f
  const uint64_t letters = in(lower, 'a', 'f');
  if ((in(word, '0', '9') | letters) != high) return false;
  uint64_t nibbles = __builtin_bswap64((word & each * 0x0f) + (letters >> 7) * 9);
  nibbles = (nibbles | nibbles >> 4) & 0x00ff00ff00ff00ff;
  nibbles = (nibbles | nibbles >> 8) & 0x0000ffff0000ffff;
  value = (nibbles | nibbles >> 16) & 0xffffffff;
  return true;
}

uint64_t mac_of(const Keys& keys, std::string_view branch, uint16_t socket, const net::Endpoint& destination) {
  HashInput input;
  put_via_input(input, keys, branch, socket, destination);
  return input.hash64();
}

}  // namespace

void put_via_input(HashInput& input, const Keys& keys, std::string_view branch, uint16_t socket,
                   const net::Endpoint& destination) {
  input.begin(keys.via_mac, 'v').folded(branch).number(socket).endpoint(destination);
}

void put_via_mac(Edits& edits, const Keys& keys, std::string_view branch, uint16_t socket,
                 const net::Endpoint& response_destination, std::optional<uint64_t> mac) {
  edits.put(version);
  edits.put_number(socket);
  edits.put('.');
  edits.put_hex(mac ? *mac : mac_of(keys, branch, socket, response_destination), mac_digits);
}

ViaMac read_via_mac(std::string_view value) {
  if (!value.starts_with(version) || value.size() < version.size() + 2 + mac_digits) return {};
  value.remove_prefix(version.size());
  const char* const dot = value.data() + value.size() - mac_digits - 1;
  ViaMac claim;
  uint16_t socket = none;
  const auto socket_read = std::from_chars(value.data(), dot, socket);
  uint64_t high = 0, low = 0;
  if (socket_read.ec != std::errc() || socket_read.ptr != dot || *dot != '.') return {};
  if (!read_eight_hex(dot + 1, high) || !read_eight_hex(dot + 9, low)) return {};
  claim.mac = high << 32 | low;
  claim.socket = socket;
  return claim;
}

bool verify_via_mac(const ViaMac& claim, const View& view, std::string_view branch,
                    const net::Endpoint& response_destination, std::optional<uint64_t> mac) {
  if (claim.socket >= view.sockets.size()) return false;
  // Equality of two 64-bit words is one comparison: it takes the same time wherever they differ.
  if ((mac ? *mac : mac_of(view.keys, branch, claim.socket, response_destination)) == claim.mac) return true;
  for (const Keys& old : view.old_keys) {
    if (mac_of(old, branch, claim.socket, response_destination) == claim.mac) return true;
  }
  return false;
}

}  // namespace viaduct::proxy
