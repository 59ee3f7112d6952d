#include "capture/hep.h"

namespace viaduct::capture {
namespace {

constexpr size_t datagram_bytes_max = 65507;

enum Chunk : uint16_t {
  chunk_family = 1,
  chunk_protocol = 2,
  chunk_source_v4 = 3,
  chunk_destination_v4 = 4,
  chunk_source_v6 = 5,
  chunk_destination_v6 = 6,
  chunk_source_port = 7,
  chunk_destination_port = 8,
  chunk_seconds = 9,
  chunk_microseconds = 10,
  chunk_kind = 11,
  chunk_agent_id = 12,
  chunk_password = 14,
  chunk_payload = 15,
  chunk_correlation_id = 17,
  chunk_agent_name = 19,
};
constexpr uint8_t family_v4 = 2, family_v6 = 10;  // as Linux numbers them
constexpr uint8_t protocol_udp = 17;
constexpr uint8_t kind_sip = 1;

template <class Number>
std::string in_network_order(Number number) {
  std::string text;
  for (int shift = 8 * (sizeof number - 1); shift >= 0; shift -= 8) text += static_cast<char>(number >> shift & 0xff);
  return text;
}

void put(std::string& out, Chunk type, std::string_view value) {
  constexpr size_t head_bytes = 6;
  out += in_network_order(uint16_t{0});  // the vendor: the format's own
  out += in_network_order(static_cast<uint16_t>(type));
  out += in_network_order(static_cast<uint16_t>(head_bytes + value.size()));
  out += value;
}

std::string_view octets(const net::IpAddress& address, bool v4) {
  const auto* const bytes = reinterpret_cast<const char*>(v4 ? address.v4_bytes() : address.bytes.data());
  return {bytes, v4 ? size_t{4} : size_t{16}};
}

}  // namespace

std::string encode_hep(const HepPacket& packet) {
  constexpr size_t others_bytes_max = 512;
  if (packet.payload.size() + packet.agent_name.size() + packet.password.size() + packet.correlation_id.size() +
          others_bytes_max >
      datagram_bytes_max) {
    return {};
  }
  const bool v4 = packet.source.address.is_v4();
  std::string chunks;
  put(chunks, chunk_family, in_network_order(v4 ? family_v4 : family_v6));
  put(chunks, chunk_protocol, in_network_order(protocol_udp));
  put(chunks, v4 ? chunk_source_v4 : chunk_source_v6, octets(packet.source.address, v4));
  put(chunks, v4 ? chunk_destination_v4 : chunk_destination_v6, octets(packet.destination.address, v4));
  put(chunks, chunk_source_port, in_network_order(packet.source.port));
  put(chunks, chunk_destination_port, in_network_order(packet.destination.port));
  put(chunks, chunk_seconds, in_network_order(static_cast<uint32_t>(packet.time_ns / 1'000'000'000)));
  put(chunks, chunk_microseconds, in_network_order(static_cast<uint32_t>(packet.time_ns / 1000 % 1'000'000)));
  put(chunks, chunk_kind, in_network_order(kind_sip));
  put(chunks, chunk_agent_id, in_network_order(packet.agent_id));
  if (!packet.agent_name.empty()) put(chunks, chunk_agent_name, packet.agent_name);
  if (!packet.password.empty()) put(chunks, chunk_password, packet.password);
  if (!packet.correlation_id.empty()) put(chunks, chunk_correlation_id, packet.correlation_id);
  put(chunks, chunk_payload, packet.payload);
  constexpr std::string_view magic = "HEP3";
  return std::string(magic) + in_network_order(static_cast<uint16_t>(magic.size() + 2 + chunks.size())) + chunks;
}

}  // namespace viaduct::capture
