#include "proxy/hash_input.h"

#include "sip/charset.h"

namespace viaduct::proxy {

namespace {

// What stands in the place of a long field, told from a short one by its first octet, which is no length.
char* put_digest(size_t field_bytes, const steer::Hash128& of_field, char* end) {
  *end++ = '\xff';
  const auto size = static_cast<uint16_t>(field_bytes);
  std::memcpy(end, &size, sizeof size);
  std::memcpy(end + sizeof size, &of_field, sizeof of_field);
  return end + sizeof size + sizeof of_field;
}

}  // namespace

char* HashInput::long_text(const steer::HashKey& key, std::string_view field, char* end) {
  return put_digest(field.size(), steer::siphash128(key, field), end);
}

char* HashInput::squeeze(const steer::HashKey& key, std::string_view field, size_t most, char* end) {
  // The digest of everything so far, followed by the next octets: a chain over the field in pieces.
  constexpr size_t head = sizeof(steer::Hash128);
  char block[head + field_bytes_max];
  size_t filled = 0, total = 0;
  steer::Hash128 so_far;
  std::memset(block, 0, head);
  const auto chain = [&] {
    so_far = steer::siphash128(key, {block, head + filled});
    std::memcpy(block, &so_far, head);
    filled = 0;
  };
  for (const char c : field) {
    if (sip::is(c, sip::lws_char)) continue;
    if (filled == field_bytes_max) chain();
    block[head + filled++] = sip::to_lower(c);
    ++total;
  }
  if (total <= most) {
    *end++ = static_cast<char>(filled);
    std::memcpy(end, block + head, filled);
    return end + filled;
  }
  chain();
  return put_digest(total, so_far, end);
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace viaduct::proxy
