// The cookie in our Record-Route: which backend has the dialog (RRT-10, AFF-05).
//
// Where a backend hides behind our address, the Route of an in-dialog request names nobody but us; the cookie, `vd=` in
// our own URI, says whom it is meant for. It holds a number made from the backend's name, no address (SEC-28), and a
// MAC over that number and the Call-ID, so that it is worth nothing in another call:
//
//   1 | id[6 base32 digits] | MAC[13 base32 digits, 64 bits]
#pragma once

#include <string>
#include <string_view>

#include "proxy/hash_input.h"
#include "proxy/view.h"

namespace viaduct::proxy {

// What is hashed, with 64 bits.
void put_cookie_input(HashInput& input, const Keys& keys, std::string_view call_id, uint32_t id);

uint64_t cookie_mac(const Keys& keys, std::string_view call_id, uint32_t id);

// The value up to its MAC, and the octets of that.
std::string cookie_head(uint32_t id);
inline constexpr size_t cookie_mac_digits = 13;  // 64 bits, the first digit has four of them

struct Cookie {
  bool verified = false;
  uint16_t backend = none;  // `none` also if it has left the configuration since
};
Cookie read_cookie(std::string_view value, const View& view, std::string_view call_id);

}  // namespace viaduct::proxy
