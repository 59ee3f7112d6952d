#include "proxy/cookie.h"

#include <algorithm>

#include "proxy/base32.h"
#include "proxy/digits.h"

namespace viaduct::proxy {
namespace {

constexpr char cookie_version = '1';

}  // namespace

uint64_t cookie_mac(const Keys& keys, std::string_view call_id, uint32_t id) {
  LoneHashInput input;
  put_cookie_input(input, keys, call_id, id);
  return input.hash64();
}

std::string cookie_head(uint32_t id) {
  std::string text(1 + cookie_id_digits, cookie_version);
  base32_number(id, cookie_id_digits, text.data() + 1);
  return text;
}

void put_cookie_input(HashInput& input, const Keys& keys, std::string_view call_id, uint32_t id) {
  input.begin(keys.record_route).number(id).last_text(call_id);
}

// Both numbers are loaded where they lie, with their neighbours, which then become noughts.
bool read_cookie(std::string_view value, CookieClaim& claim) {
  constexpr size_t mac_at = cookie_size - sizeof(Octets);
  static_assert(cookie_id_digits == 6 && cookie_mac_digits == 13);
  if (value.size() != cookie_size || value.front() != cookie_version) return false;
  const Octets id_digits = first_digits<cookie_id_digits>(_mm_srli_si128(load_octets(value.data()), 1));
  const Octets mac_digits = first_digits<cookie_mac_digits>(
      _mm_srli_si128(load_octets(value.data() + mac_at), sizeof(Octets) - cookie_mac_digits));
  uint64_t id = 0, nothing = 0, high = 0, low = 0;
  if (!read_base32(id_digits, id, nothing) || !read_base32(mac_digits, high, low) || high >> 39 != 0) {
    return false;
  }
  claim.id = static_cast<uint32_t>(id >> 10);
  claim.mac = high << 25 | low >> 15;
  return true;
}

Cookie verify_cookie(const CookieClaim& claim, const View& view, std::string_view call_id, const uint64_t* mac) {
  Cookie cookie;
  cookie.verified = (mac != nullptr ? *mac : cookie_mac(view.keys, call_id, claim.id)) == claim.mac ||
                    std::any_of(view.old_keys.begin(), view.old_keys.end(),
                                [&](const Keys& old) { return cookie_mac(old, call_id, claim.id) == claim.mac; });
  if (!cookie.verified) return cookie;
  const auto found = view.backend_of_cookie.find(claim.id);
  if (found != view.backend_of_cookie.end()) cookie.backend = found->second;
  return cookie;
}

}  // namespace viaduct::proxy
