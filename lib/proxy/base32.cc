#include "proxy/base32.h"

#include <cstring>

namespace viaduct::proxy {
namespace {

constexpr char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

int digit_of(char c) {
  if (c >= 'a' && c <= 'z') return c - 'a';
  if (c >= '2' && c <= '7') return c - '2' + 26;
  return -1;
}

constexpr uint64_t each = 0x0101010101010101;

// Eight digits from the lowest 40 bits, the most significant in the lowest byte, where a store puts the first one:
// halves are pushed apart three times until each five bits have a byte, then all bytes become letters at once.
uint64_t eight_digits(uint64_t bits) {
  bits = (bits & 0xfffff00000) << 12 | (bits & 0xfffff);
  bits = (bits & 0x000ffc00000ffc00) << 6 | (bits & 0x000003ff000003ff);
  bits = (bits & 0x03e003e003e003e0) << 3 | (bits & 0x001f001f001f001f);
  const uint64_t is_number = (bits + each * (0x80 - 26)) >> 7 & each;
  return __builtin_bswap64(bits + each * 'a' - is_number * ('a' + 26 - '2'));
}

void store_eight(uint64_t bits, char* out) {
  const uint64_t digits = eight_digits(bits);
  std::memcpy(out, &digits, sizeof digits);
}

}  // namespace

void base32_encode(const uint8_t* bytes, size_t size, char* out) {
  for (; size >= 8; size -= 5, bytes += 5, out += 8) {
    uint64_t five;  // and three more, which are shifted out
    std::memcpy(&five, bytes, sizeof five);
    store_eight(__builtin_bswap64(five) >> 24, out);
  }
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
  for (; digits >= 8; digits -= 8) store_eight(value >> 5 * (digits - 8) & 0xffffffffff, out), out += 8;
  if (digits == 0) return;
  uint64_t text = eight_digits(value << 5 * (8 - digits) & 0xffffffffff);
  if (digits & 4) std::memcpy(out, &text, 4), out += 4, text >>= 32;
  if (digits & 2) std::memcpy(out, &text, 2), out += 2, text >>= 16;
  if (digits & 1) *out = static_cast<char>(text);
}

// The last two digits of each share a word.
void base32_twice_ten(uint64_t first, uint64_t second, char* out) {
  const uint64_t last = eight_digits((first & 0x3ff) << 10 | (second & 0x3ff)) >> 32;
  const auto of_first = static_cast<uint16_t>(last), of_second = static_cast<uint16_t>(last >> 16);
  store_eight(first >> 10 & 0xffffffffff, out);
  std::memcpy(out + 8, &of_first, 2);
  store_eight(second >> 10 & 0xffffffffff, out + 10);
  std::memcpy(out + 18, &of_second, 2);
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
