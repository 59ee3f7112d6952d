// ICMP errors about frames, from the RFCs and without the product's own code.
#pragma once

#include <string_view>

#include "support/fragments.h"

namespace viaduct::test {

// From `router` to the sender of `sent`, of which it quotes up to 500 bytes of the packet. `mtu`: the last two bytes
// before the quotation (RFC 1191 section 4, RFC 4443 section 3.2).
inline Bytes icmp_about(const Bytes& sent, std::string_view router, uint8_t type, uint8_t code, uint16_t mtu,
                        const net::Mac& from = mac("02:00:00:00:02:01"),
                        const net::Mac& to = mac("02:00:00:00:02:00")) {
  const size_t quoted = ip_at(sent);
  const bool v6 = is_v6(sent);
  const net::IpAddress sender =
      v6 ? net::IpAddress::v6(&sent.at(quoted + 8)) : net::IpAddress::v4(&sent.at(quoted + 12));
  Bytes message{type, code, 0, 0, 0, 0, static_cast<uint8_t>(mtu >> 8), static_cast<uint8_t>(mtu)};
  message.insert(message.end(), sent.begin() + static_cast<std::ptrdiff_t>(quoted),
                 sent.begin() + static_cast<std::ptrdiff_t>(std::min(sent.size(), quoted + 500)));
  Bytes frame = packet().ethernet(from, to).ip(router, to_string(sender)).protocol(v6 ? 58 : 1).frame();
  const size_t ip = ip_at(frame), payload = ip + (v6 ? 40 : 20);
  frame.resize(payload);
  uint32_t sum = v6 ? plain_sum(frame, ip + 8, ip + 40) + 58 + static_cast<uint32_t>(message.size()) : 0;
  sum = (sum & 0xffff) + (sum >> 16);
  put16(message, 2, static_cast<uint16_t>(~plain_sum(message, 0, message.size(), sum)));
  frame.insert(frame.end(), message.begin(), message.end());
  if (v6) {
    put16(frame, ip + 4, message.size());
  } else {
    put16(frame, ip + 2, 20 + message.size());
    put16(frame, ip + 10, 0);
    put16(frame, ip + 10, static_cast<uint16_t>(~plain_sum(frame, ip, payload)));
  }
  return frame;
}

}  // namespace viaduct::test
