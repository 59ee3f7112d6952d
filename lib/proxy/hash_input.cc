#include "proxy/hash_input.h"

#include <cassert>
#include <cstring>

#include "sip/charset.h"

namespace viaduct::proxy {

void HashInput::put(const void* bytes, size_t size) {
  assert(size <= bytes_.size() - size_);
  std::memcpy(bytes_.data() + size_, bytes, size);
  size_ += size;
}

void HashInput::put_size(size_t size) {
  const char two[2] = {static_cast<char>(size & 0xff), static_cast<char>(size >> 8 & 0xff)};
  put(two, sizeof two);
}

HashInput& HashInput::text(std::string_view field) {
  put_size(field.size());
  if (field.size() <= field_bytes_max) {
    if (!field.empty()) put(field.data(), field.size());
    return *this;
  }
  const steer::Hash128 digest = steer::siphash128(key_, field);
  put(&digest, sizeof digest);
  return *this;
}

HashInput& HashInput::folded(std::string_view field) {
  // The digest of everything so far, followed by the next octets: a chain over the field in pieces.
  char block[sizeof(steer::Hash128) + field_bytes_max];
  constexpr size_t head = sizeof(steer::Hash128);
  size_t filled = 0, total = 0;
  bool chained = false;
  std::memset(block, 0, head);
  const auto chain = [&] {
    const steer::Hash128 digest = steer::siphash128(key_, {block, head + filled});
    std::memcpy(block, &digest, head);
    filled = 0;
    chained = true;
  };
  for (const char c : field) {
    if (sip::is(c, sip::lws_char)) continue;
    if (filled == field_bytes_max) chain();
    block[head + filled++] = sip::to_lower(c);
    ++total;
  }
  if (chained) chain();
  put_size(total);
  if (chained) {
    put(block, head);
  } else if (filled != 0) {
    put(block + head, filled);
  }
  return *this;
}

HashInput& HashInput::number(uint64_t field) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(field >> (8 * i));
  put(bytes, sizeof bytes);
  return *this;
}

HashInput& HashInput::endpoint(const net::Endpoint& field) {
  put(field.address.bytes.data(), field.address.bytes.size());
  put_size(field.port);
  return *this;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace viaduct::proxy
