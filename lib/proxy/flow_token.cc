#include "proxy/flow_token.h"

#include <algorithm>
#include <cstring>

#include "proxy/digits.h"

namespace viaduct::proxy {
namespace {

constexpr uint16_t ipv6_bit = 0x8000;

steer::Hash128 mac_of(const Keys& keys, const net::Endpoint& local, const net::Endpoint& remote) {
  LoneHashInput input;
  put_flow_input(input, keys, local, remote);
  return input.hash128();
}

// Two comparisons of whole words: they take the same time wherever they differ.
bool is_mac(const steer::Hash128& hash, const FlowClaim& claim) {
  return ((hash.low ^ claim.mac_low) | static_cast<uint16_t>(hash.high ^ claim.mac_high)) == 0;
}

}  // namespace

void put_flow_input(HashInput& input, const Keys& keys, const net::Endpoint& local, const net::Endpoint& remote) {
  input.begin(keys.flow).endpoint(local).endpoint(remote);
}

// Each ten octets are 16 digits: first the MAC, then the rest, which with IPv4 is eight octets.
char* write_flow_token(char* out, const View& view, uint16_t socket_index, const net::Endpoint& client,
                       const steer::Hash128* mac) {
  const Socket& socket = view.sockets[socket_index];
  const net::IpAddress& remote = client.address;
  const steer::Hash128 hash = mac != nullptr ? *mac : mac_of(view.keys, socket.address, client);
  store_octets(base32_of_octets(octets_of(hash.low, hash.high)), out);
  const bool is_v4 = remote.is_v4();
  const auto head = __builtin_bswap16(static_cast<uint16_t>(socket.flow_id | (is_v4 ? 0 : ipv6_bit)));
  const uint64_t port = __builtin_bswap16(client.port);
  if (is_v4) {
    uint32_t address;
    std::memcpy(&address, remote.v4_bytes(), sizeof address);
    const Octets rest = octets_of(head | uint64_t{address} << 16 | port << 48, 0);
    store_octets(base32_of_octets(rest), out + 16);
  } else {
    uint64_t high, low;
    std::memcpy(&high, remote.bytes.data(), sizeof high);
    std::memcpy(&low, remote.bytes.data() + 8, sizeof low);
    store_octets(base32_of_octets(octets_of(head | high << 16, high >> 48)), out + 16);
    store_octets(base32_of_octets(octets_of(low, port)), out + 32);
  }
  return out + (is_v4 ? flow_token_v4_size : flow_token_v6_size);
}

// Sixteen digits at a time, ten octets; of an IPv4 token the last thirteen, eight octets, with a bit that is nought.
bool read_flow_token(std::string_view token, FlowClaim& claim) {
  const bool is_v4 = token.size() == flow_token_v4_size;
  if (!is_v4 && token.size() != flow_token_v6_size) return false;
  uint64_t high = 0, low = 0;
  if (!read_base32(load_octets(token.data()), high, low)) return false;
  claim.mac_low = __builtin_bswap64(high << 24 | low >> 16);
  claim.mac_high = __builtin_bswap16(static_cast<uint16_t>(low));
  uint16_t head = 0;
  if (is_v4) {
    constexpr size_t rest = flow_token_v4_size - sizeof(Octets);
    const Octets digits = _mm_srli_si128(load_octets(token.data() + rest), sizeof(Octets) - rest);
    if (!read_base32(first_digits<rest>(digits), high, low) || (low & 0xffff) != 0) return false;
    const uint64_t octets = high << 24 | low >> 16;
    const uint32_t address = __builtin_bswap32(static_cast<uint32_t>(octets >> 16));
    head = static_cast<uint16_t>(octets >> 48);
    claim.remote.address = net::IpAddress::v4(reinterpret_cast<const uint8_t*>(&address));
    claim.remote.port = static_cast<uint16_t>(octets);
  } else {
    if (!read_base32(load_octets(token.data() + 16), high, low)) return false;
    head = static_cast<uint16_t>(high >> 24);
    const uint64_t first = __builtin_bswap64(high << 40 | low);
    if (!read_base32(load_octets(token.data() + 32), high, low)) return false;
    const uint64_t address[] = {first, __builtin_bswap64(high << 24 | low >> 16)};
    claim.remote.address = net::IpAddress::v6(reinterpret_cast<const uint8_t*>(address));
    claim.remote.port = static_cast<uint16_t>(low);
  }
  if (((head & ipv6_bit) == 0) != is_v4) return false;
  claim.flow_id = head & static_cast<uint16_t>(~ipv6_bit);
  return true;
}

uint16_t socket_of(const FlowClaim& claim, const View& view) {
  const auto found = std::find_if(view.sockets.begin(), view.sockets.end(),
                                  [&](const Socket& socket) { return socket.flow_id == claim.flow_id; });
  return found == view.sockets.end() ? none : static_cast<uint16_t>(found - view.sockets.begin());
}

void verify_flow_token(const FlowClaim& claim, const View& view, Flow& flow, const steer::Hash128* mac) {
  flow.socket = none;
  for (size_t i = socket_of(claim, view); i < view.sockets.size(); ++i, mac = nullptr) {
    const Socket& socket = view.sockets[i];
    if (socket.flow_id != claim.flow_id) continue;
    const auto matches = [&](const Keys& keys) { return is_mac(mac_of(keys, socket.address, claim.remote), claim); };
    if ((mac != nullptr ? is_mac(*mac, claim) : matches(view.keys)) ||
        std::any_of(view.old_keys.begin(), view.old_keys.end(), matches)) {
      flow.socket = static_cast<uint16_t>(i);
      flow.remote = claim.remote;
      return;
    }
  }
}

}  // namespace viaduct::proxy
