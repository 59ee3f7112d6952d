#include "proxy/cookie.h"

#include <algorithm>
#include <cstring>

#include "proxy/base32.h"
#include "proxy/digits.h"

namespace viaduct::proxy {
namespace {

constexpr char cookie_version = '1';
constexpr unsigned id_digits = 6;    // Backend::cookie_id has 30 bits
constexpr size_t cookie_size = 1 + id_digits + cookie_mac_digits;

// Both numbers; false if `value` is not what we write.
bool read_numbers(std::string_view value, uint32_t& id, uint64_t& mac) {
  if (value.size() != cookie_size || value.front() != cookie_version) return false;
  char text[2 * sizeof(Octets)];
  std::memset(text, 'a', sizeof text);  // a is 0
  std::memcpy(text + sizeof(Octets) - id_digits, value.data() + 1, id_digits);
  std::memcpy(text + 2 * sizeof(Octets) - cookie_mac_digits, value.data() + 1 + id_digits, cookie_mac_digits);
  uint64_t nothing = 0, high = 0, low = 0;
  if (!read_base32(load_octets(text), nothing, low)) return false;
  id = static_cast<uint32_t>(low);
  if (!read_base32(load_octets(text + sizeof(Octets)), high, low)) return false;
  mac = high << 40 | low;
  return high >> 24 == 0;
}

}  // namespace

uint64_t cookie_mac(const Keys& keys, std::string_view call_id, uint32_t id) {
  LoneHashInput input;
  put_cookie_input(input, keys, call_id, id);
  return input.hash64();
}

std::string cookie_head(uint32_t id) {
  std::string text(1 + id_digits, cookie_version);
  base32_number(id, id_digits, text.data() + 1);
  return text;
}

void put_cookie_input(HashInput& input, const Keys& keys, std::string_view call_id, uint32_t id) {
  input.begin(keys.record_route, 'c').text(call_id).number(id);
}

Cookie read_cookie(std::string_view value, const View& view, std::string_view call_id) {
  uint32_t id = 0;
  uint64_t mac = 0;
  if (!read_numbers(value, id, mac)) return {};
  Cookie cookie;
  cookie.verified = cookie_mac(view.keys, call_id, id) == mac ||
                    std::any_of(view.old_keys.begin(), view.old_keys.end(),
                                [&](const Keys& old) { return cookie_mac(old, call_id, id) == mac; });
  if (!cookie.verified) return cookie;
  const auto found = view.backend_of_cookie.find(id);
  if (found != view.backend_of_cookie.end()) cookie.backend = found->second;
  return cookie;
}

}  // namespace viaduct::proxy
