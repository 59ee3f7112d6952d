#include "proxy/base32.h"

#include <algorithm>
#include <cstring>

#include "proxy/digits.h"

namespace viaduct::proxy {
namespace {

constexpr size_t digits_a_time = 16, octets_a_time = 10;

int digit_of(char c) {
  if (c >= 'a' && c <= 'z') return c - 'a';
  if (c >= '2' && c <= '7') return c - '2' + 26;
  return -1;
}

// Ten octets, the most significant first; sixteen are written.
void store_ten(uint64_t high, uint64_t low, uint8_t* out) {
  const uint64_t first = __builtin_bswap64(high << 24 | low >> 16), last = __builtin_bswap64(low << 48);
  std::memcpy(out, &first, sizeof first);
  std::memcpy(out + 8, &last, sizeof last);
}

}  // namespace

void base32_encode(const uint8_t* bytes, size_t size, char* out) {
  uint8_t octets[digits_a_time];
  char digits[digits_a_time];
  while (size != 0) {
    const size_t taken = std::min(size, octets_a_time);
    std::memset(octets, 0, sizeof octets);
    std::memcpy(octets, bytes, taken);
    store_octets(base32_of_octets(load_octets(octets)), digits);
    std::memcpy(out, digits, base32_size(taken));
    bytes += taken, size -= taken, out += base32_size(taken);
  }
}

bool base32_decode(std::string_view text, uint8_t* bytes, size_t size) {
  if (text.size() != base32_size(size)) return false;
  while (size != 0) {
    char digits[digits_a_time];
    uint8_t octets[digits_a_time];
    const size_t taken = std::min(size, octets_a_time), used = base32_size(taken);
    std::memset(digits, 'a', sizeof digits);
    std::memcpy(digits, text.data(), used);
    uint64_t high = 0, low = 0;
    if (!read_base32(load_octets(digits), high, low)) return false;
    store_ten(high, low, octets);
    std::memcpy(bytes, octets, taken);
    // One text for one value: bits that belong to no octet are 0.
    if (std::any_of(octets + taken, octets + octets_a_time, [](uint8_t octet) { return octet != 0; })) return false;
    text.remove_prefix(used);
    bytes += taken, size -= taken;
  }
  return true;
}

void base32_number(uint64_t value, unsigned digits, char* out) {
  char all[digits_a_time];
  constexpr unsigned most = 13;
  store_octets(base32_of_number(value), all);
  std::memcpy(out, all + most - digits, digits);
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
