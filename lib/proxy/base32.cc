#include "proxy/base32.h"

namespace viaduct::proxy {
namespace {

constexpr char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

int digit_of(char c) {
  if (c >= 'a' && c <= 'z') return c - 'a';
  if (c >= '2' && c <= '7') return c - '2' + 26;
  return -1;
}

}  // namespace

void base32_encode(const uint8_t* bytes, size_t size, char* out) {
  uint32_t pending = 0;
  unsigned bits = 0;
  for (size_t i = 0; i < size; ++i) {
    pending = pending << 8 | bytes[i];
    for (bits += 8; bits >= 5; bits -= 5) *out++ = alphabet[pending >> (bits - 5) & 31];
  }
  if (bits != 0) *out = alphabet[pending << (5 - bits) & 31];
}

bool base32_decode(std::string_view text, uint8_t* bytes, size_t size) {
  if (text.size() != base32_size(size)) return false;
  uint32_t pending = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const int digit = digit_of(c);
    if (digit < 0) return false;
    pending = pending << 5 | static_cast<uint32_t>(digit);
    bits += 5;
    if (bits >= 8) *bytes++ = static_cast<uint8_t>(pending >> (bits -= 8));
  }
  return (pending & ((1u << bits) - 1)) == 0;  // one text for one value
}

void base32_number(uint64_t value, unsigned digits, char* out) {
  for (unsigned i = digits; i-- > 0; value >>= 5) out[i] = alphabet[value & 31];
}

bool base32_number(std::string_view text, uint64_t& value) {
  value = 0;
  for (const char c : text) {
    const int digit = digit_of(c);
    if (digit < 0 || value >> 59 != 0) return false;
    value = value << 5 | static_cast<uint64_t>(digit);
  }
  return true;
}

}  // namespace viaduct::proxy
