#include "proxy/via_mac.h"

#include "proxy/digits.h"
#include "sip/decimal.h"

namespace viaduct::proxy {
namespace {

constexpr std::string_view mac_version = "1.";
constexpr size_t mac_digits = 16;

}  // namespace

uint64_t via_mac(const Keys& keys, std::string_view branch, uint16_t socket, const net::Endpoint& destination) {
  LoneHashInput input;
  put_via_input(input, keys, branch, socket, destination);
  return input.hash64();
}

std::string via_mac_head(uint16_t socket) { return std::string(mac_version) + std::to_string(socket) + '.'; }

void put_via_input(HashInput& input, const Keys& keys, std::string_view branch, uint16_t socket,
                   const net::Endpoint& destination) {
  input.begin(keys.via_mac).number(socket).endpoint(destination).last_folded(branch);
}

ViaMac read_via_mac(std::string_view value) {
  ViaMac claim;
  read_via_mac(value, claim);
  return claim;
}

void read_via_mac(std::string_view value, ViaMac& claim) {
  claim.socket = none;
  claim.mac = claim.sent = 0;
  if (!value.starts_with(mac_version) || value.size() < mac_version.size() + 2 + mac_digits) return;
  value.remove_prefix(mac_version.size());
  SendTime::Text sent = 0;
  constexpr size_t time = 1 + SendTime::size;
  if (value.size() > time + mac_digits && value[value.size() - time] == '.') {
    sent = SendTime::load(value.data() + value.size() - SendTime::size);
    value.remove_suffix(time);
  }
  const char* const dot = value.data() + value.size() - mac_digits - 1;
  uint64_t socket = 0;
  if (!sip::read_decimal({value.data(), dot}, socket) || socket > UINT16_MAX || *dot != '.') return;
  if (!read_hex(load_octets(dot + 1), claim.mac)) return;
  claim.socket = static_cast<uint16_t>(socket);
  claim.sent = sent;
}

bool verify_via_mac(const ViaMac& claim, const View& view, std::string_view branch,
                    const net::Endpoint& response_destination, const uint64_t* mac) {
  if (claim.socket >= view.sockets.size()) return false;
  // Equality of two 64-bit words is one comparison: it takes the same time wherever they differ.
  if ((mac ? *mac : via_mac(view.keys, branch, claim.socket, response_destination)) == claim.mac) return true;
  for (const Keys& old : view.old_keys) {
    if (via_mac(old, branch, claim.socket, response_destination) == claim.mac) return true;
  }
  return false;
}

}  // namespace viaduct::proxy
