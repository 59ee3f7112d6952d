// `vd=` in our own Via: the proof that a response answers a request of ours.
//
// A stateless proxy that sends each response where its second Via says is an open relay: nothing in RFC 3261 keeps a
// stranger from inventing the pair (RFC 6026 sections 3 and 10 describe the abuse). So our Via carries a MAC over its
// branch, the socket on which the request arrived, and where the response is to go (RSP-11). It stands beside the
// branch, not in it: a NAT may rebind between two copies of a request, and then the destination changes while the
// branch must not (TXN-04). The socket is needed for the way back (RSP-06): `1.<socket>.<16 hex digits>`, and where
// responses are timed `.<8 characters>` more, which the MAC does not cover (send_time.h).
#pragma once

#include <string>
#include <string_view>

#include "net/address.h"
#include "proxy/edits.h"
#include "proxy/hash_input.h"
#include "proxy/send_time.h"
#include "proxy/view.h"

namespace viaduct::proxy {

// The value up to its MAC, and the MAC, which follows in 16 hexadecimal digits.
std::string via_mac_head(uint16_t socket);
uint64_t via_mac(const Keys& keys, std::string_view branch, uint16_t socket, const net::Endpoint& response_destination);

// What is hashed, with 64 bits.
void put_via_input(HashInput& input, const Keys& keys, std::string_view branch, uint16_t socket,
                   const net::Endpoint& response_destination);

// The socket that a value names, `none` if it is not of our form; whether it is true, `verify_via_mac` says.
struct ViaMac {
  uint16_t socket = none;
  uint64_t mac = 0;
  SendTime::Text sent = 0;  // 0: none
};
ViaMac read_via_mac(std::string_view value);
// The same, to where it is to be: a copy of what has just been written in parts would wait for them.
void read_via_mac(std::string_view value, ViaMac& claim);
// `mac` is the true one under the keys of today, if it is known already.
bool verify_via_mac(const ViaMac& claim, const View& view, std::string_view branch,
                    const net::Endpoint& response_destination, const uint64_t* mac = nullptr);

}  // namespace viaduct::proxy
