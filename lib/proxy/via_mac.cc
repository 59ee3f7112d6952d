#include "proxy/via_mac.h"

#include <charconv>


namespace viaduct::proxy {
namespace {

constexpr std::string_view version = "1.";
constexpr size_t mac_digits = 16;

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
  const char* const end = value.data() + value.size();
  ViaMac claim;
  uint16_t socket = none;
  const auto socket_read = std::from_chars(value.data(), dot, socket);
  const auto mac_read = std::from_chars(dot + 1, end, claim.mac, 16);
  if (socket_read.ec != std::errc() || socket_read.ptr != dot || *dot != '.') return {};
  if (mac_read.ec != std::errc() || mac_read.ptr != end) return {};
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
