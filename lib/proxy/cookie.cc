#include "proxy/cookie.h"

#include <algorithm>

#include "proxy/base32.h"

namespace viaduct::proxy {
namespace {

constexpr char version = '1';
constexpr unsigned id_digits = 6;    // Backend::cookie_id has 30 bits
constexpr unsigned mac_digits = 13;  // 64 bits, the first digit has four of them
constexpr size_t cookie_size = 1 + id_digits + mac_digits;

uint64_t mac_of(const Keys& keys, std::string_view call_id, uint64_t id) {
  HashInput input;
  put_cookie_input(input, keys, call_id, id);
  return input.hash64();
}

}  // namespace

void put_cookie_input(HashInput& input, const Keys& keys, std::string_view call_id, uint64_t id) {
  input.begin(keys.record_route, 'c').text(call_id).number(id);
}

CookieText::CookieText(const View& view, std::string_view call_id, uint16_t backend, std::optional<uint64_t> mac) {
  static_assert(sizeof text_ == cookie_size);
  const uint32_t id = view.backends[backend].cookie_id;
  text_[0] = version;
  base32_number(id, id_digits, text_ + 1);
  base32_number(mac ? *mac : mac_of(view.keys, call_id, id), mac_digits, text_ + 1 + id_digits);
}

Cookie read_cookie(std::string_view value, const View& view, std::string_view call_id) {
  uint64_t id = 0, mac = 0;
  if (value.size() != cookie_size || value.front() != version || !base32_number(value.substr(1, id_digits), id) ||
      !base32_number(value.substr(1 + id_digits), mac)) {
    return {};
  }
  Cookie cookie;
  cookie.verified = mac_of(view.keys, call_id, id) == mac ||
                    std::any_of(view.old_keys.begin(), view.old_keys.end(),
                                [&](const Keys& old) { return mac_of(old, call_id, id) == mac; });
  if (!cookie.verified) return cookie;
  const auto found = view.backend_of_cookie.find(static_cast<uint32_t>(id));
  if (found != view.backend_of_cookie.end()) cookie.backend = found->second;
  return cookie;
}

}  // namespace viaduct::proxy
