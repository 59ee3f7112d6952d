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
inline constexpr size_t cookie_id_digits = 6;    // Backend::cookie_id has 30 bits
inline constexpr size_t cookie_size = 1 + cookie_id_digits + cookie_mac_digits;

// What a value says.
struct CookieClaim {
  uint32_t id = 0;
  uint64_t mac = 0;
};
// False if it is not what we write.
bool read_cookie(std::string_view value, CookieClaim& claim);

// And what of it is true. `mac`, if it is known already: that of our key over this call and the id claimed.
struct Cookie {
  bool verified = false;
  uint16_t backend = none;  // `none` also if it has left the configuration since
};
Cookie verify_cookie(const CookieClaim& claim, const View& view, std::string_view call_id,
                     const uint64_t* mac = nullptr);

}  // namespace viaduct::proxy
