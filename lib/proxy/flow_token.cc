#include "proxy/flow_token.h"

#include <cstring>

#include "proxy/base32.h"

namespace viaduct::proxy {
namespace {

constexpr size_t mac_bytes = 10;
constexpr size_t token_bytes_max = mac_bytes + 2 + 16 + 2;
constexpr uint16_t ipv6_bit = 0x8000;

size_t token_bytes(bool is_v4) { return mac_bytes + 2 + (is_v4 ? 4 : 16) + 2; }

steer::Hash128 mac_of(const Keys& keys, const net::Endpoint& local, const net::Endpoint& remote) {
  HashInput input;
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

void put_flow_token(Edits& edits, const View& view, const Flow& flow, std::optional<steer::Hash128> mac) {
  const Socket& socket = view.sockets[flow.socket];
  const net::IpAddress& remote = flow.remote.address;
  uint8_t bytes[token_bytes_max];
  write_mac(mac ? *mac : mac_of(view.keys, socket.address, flow.remote), bytes);
  const auto head = static_cast<uint16_t>(socket.flow_id | (remote.is_v4() ? 0 : ipv6_bit));
  uint8_t* out = bytes + mac_bytes;
  *out++ = static_cast<uint8_t>(head >> 8);
  *out++ = static_cast<uint8_t>(head);
  const size_t address_bytes = remote.is_v4() ? 4 : 16;
  std::memcpy(out, remote.bytes.data() + 16 - address_bytes, address_bytes);
  out += address_bytes;
  *out++ = static_cast<uint8_t>(flow.remote.port >> 8);
  *out++ = static_cast<uint8_t>(flow.remote.port);

  const auto size = static_cast<size_t>(out - bytes);
  char text[base32_size(token_bytes_max)];
  base32_encode(bytes, size, text);
  edits.put(std::string_view(text, base32_size(size)));
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
