#include "proxy/hash_input.h"

#include "sip/charset.h"

namespace viaduct::proxy {

HashInput& HashInput::long_text(std::string_view field) {
  return digest(field.size(), steer::siphash128(*key_, field));
}

HashInput& HashInput::squeeze(std::string_view field, size_t most) {
  // The digest of everything so far, followed by the next octets: a chain over the field in pieces.
  constexpr size_t head = sizeof(steer::Hash128);
  char block[head + field_bytes_max];
  size_t filled = 0, total = 0;
  steer::Hash128 so_far;
  std::memset(block, 0, head);
  const auto chain = [&] {
    so_far = steer::siphash128(*key_, {block, head + filled});
    std::memcpy(block, &so_far, head);
    filled = 0;
  };
  for (const char c : field) {
    if (sip::is(c, sip::lws_char)) continue;
    if (filled == field_bytes_max) chain();
    block[head + filled++] = sip::to_lower(c);
    ++total;
  }
  if (total <= most) return text({block + head, filled});
  chain();
  return digest(total, so_far);
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace viaduct::proxy
