#include "proxy/flow_token.h"

#include <cstring>

#include "proxy/base32.h"
#include "proxy/digits.h"

namespace viaduct::proxy {
namespace {

constexpr size_t mac_bytes = 10;
constexpr size_t token_bytes_max = mac_bytes + 2 + 16 + 2;
constexpr uint16_t ipv6_bit = 0x8000;

size_t token_bytes(bool is_v4) { return mac_bytes + 2 + (is_v4 ? 4 : 16) + 2; }

steer::Hash128 mac_of(const Keys& keys, const net::Endpoint& local, const net::Endpoint& remote) {
  LoneHashInput input;
  put_flow_input(input, keys, local, remote);
  return input.hash128();
}

void write_mac(const steer::Hash128& hash, uint8_t* out) {
  std::memcpy(out, &hash.low, 8);
  std::memcpy(out + 8, &hash.high, mac_bytes - 8);
}

bool mac_matches(const Keys& keys, const net::Endpoint& local, const net::Endpoint& remote, const uint8_t* mac) {
  uint8_t expected[mac_bytes];
  write_mac(mac_of(keys, local, remote), expected);
  return equal_in_constant_time({reinterpret_cast<const char*>(mac), mac_bytes},
                                {reinterpret_cast<const char*>(expected), mac_bytes});
}

}  // namespace

void put_flow_input(HashInput& input, const Keys& keys, const net::Endpoint& local, const net::Endpoint& remote) {
  input.begin(keys.flow, 'f').text("udp").endpoint(local).endpoint(remote);
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
  return out + base32_size(token_bytes(is_v4));
}

std::optional<Flow> read_flow_token(std::string_view token, const View& view) {
  const bool is_v4 = token.size() == base32_size(token_bytes(true));
  uint8_t bytes[token_bytes_max];
  if (!base32_decode(token, bytes, token_bytes(is_v4))) return std::nullopt;
  const uint8_t* in = bytes + mac_bytes;
  const auto head = static_cast<uint16_t>(in[0] << 8 | in[1]);
  in += 2;
  if (((head & ipv6_bit) == 0) != is_v4) return std::nullopt;
  Flow flow;
  flow.remote.address = is_v4 ? net::IpAddress::v4(in) : net::IpAddress::v6(in);
  in += is_v4 ? 4 : 16;
  flow.remote.port = static_cast<uint16_t>(in[0] << 8 | in[1]);
  for (size_t i = 0; i < view.sockets.size(); ++i) {
    const Socket& socket = view.sockets[i];
    if (socket.flow_id != (head & ~ipv6_bit)) continue;
    bool matches = mac_matches(view.keys, socket.address, flow.remote, bytes);
    for (const Keys& old : view.old_keys) matches = matches || mac_matches(old, socket.address, flow.remote, bytes);
    if (!matches) continue;
    flow.socket = static_cast<uint16_t>(i);
    return flow;
  }
  return std::nullopt;
}

}  // namespace viaduct::proxy
